"""Templates of labels and annotations, and numbers as Go writes them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_opentelemetry.alerts.go_text import go_number, go_text
from mcp_opentelemetry.alerts.template import Facts, Template
from tests.effort import part_of

_FACTS = Facts({"__name__": "up", "job": "web", "n": "1500"}, 0.25)


def _text(template: str, value: float = 0.25) -> str:
    return Template(template).expand(Facts(_FACTS.labels, value))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain } {", "plain } {"),
        ("{{ $value }}/{{.Value}}", "0.25/0.25"),
        ("{{ $labels.job }}{{ .Labels.job }}{{ $labels.none }}", "webweb"),
        ("{{ $labels }}", "map[__name__:up job:web n:1500]"),
        ("a {{- $value -}} b", "a0.25b"),
        ("a{{/* why */}}b", "ab"),
        ('{{ "}}" }}{{ `\\n` }}{{ "\\u00e9\\x41\\101" }}', "}}\\néAA"),
        ("{{ $value | humanizePercentage }}", "25%"),
        ("{{ $labels.n | humanize }}", "1.5k"),
        ("{{ humanizeDuration $labels.n }}", "25m 0s"),
        ("{{ $value | humanizeDuration }}", "250ms"),
        ("{{ humanize1024 2048 }}", "2ki"),
        ("{{ 1500 }}", "1500"),
        ("{{ humanizeTimestamp 1700000000 }}", "2023-11-14 22:13:20 +0000 UTC"),
        ('{{ printf "%.1f of %s: %v%%" $value $labels.job 3 }}', "0.2 of web: 3%"),
        ('{{ $value | printf "%06.2f" }}', "000.25"),
        ("{{ title $labels.job }}{{ toUpper $labels.job }}", "WebWEB"),
    ],
)
def test_templates_say_what_they_say_in_prometheus(template: str, expected: str) -> None:
    assert _text(template) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_written_as_go_does(value: float) -> None:
    text = go_text(value)
    assert text in {"NaN", "+Inf", "-Inf"}
    for function in ("humanize", "humanize1024", "humanizeDuration", "humanizeTimestamp"):
        assert _text(f"{{{{ $value | {function} }}}}", value) == text
    assert _text("{{ $value | humanizePercentage }}", value) == f"{text}%"


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (100000.0, "100000", "100000"),
        (1e6, "1e+06", "1000000"),
        (1234567.0, "1.234567e+06", "1234567"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "1e-05", "0.00001"),
        (1e100, "1e+100", "1" + "0" * 100),
        (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str, number: str) -> None:
    assert (go_text(value), go_number(value)) == (text, number)


@pytest.mark.parametrize(
    "template",
    [
        "{{",
        "{{ $value",
        "{{ }}",
        "{{ | }}",
        "{{ if true }}x{{ end }}",
        '{{ query "up" }}',
        "{{ range . }}",
        "{{ $externalLabels.x }}",
        "{{ . }}",
        "{{ $value | }}",
        "{{ humanize }}",
        "{{ humanize 1 2 }}",
        "{{ $value 1 }}",
        "{{ $value | $value }}",
        '{{ printf "%z" 1 }}',
        '{{ printf "%f" }}',
        '{{ printf "%f" 1 2 }}',
        "{{ printf $labels.job }}",
        '{{ printf "%*d" 1 2 }}',
        '{{ "\\q" }}',
        '{{ "\\ud800" }}',
        '{{ "\\UFFFFFFFF" }}',
        '{{ "unclosed }}',
        "{{ 1.2.3 }}",
        "{{ $labels.a-b }}",
    ],
)
def test_what_is_not_supported_is_refused_when_it_is_read(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        Template(template)


@pytest.mark.parametrize("action", ["humanize $labels.job", f"humanizeTimestamp {10**29}"])
def test_what_fails_later_says_so_in_its_place(action: str) -> None:
    assert _text(f"x{{{{ {action} }}}}y").startswith("<error expanding template: ")


@settings(max_examples=part_of(300))
@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", " ", "$value", "$labels.job", ".Labels", "|", "printf", '"%s"', '"%5.1f%d"', "humanize", "-",
             "1", "humanizeTimestamp", "humanizeDuration", "title", '"', "`", "\\", "x", "\n", "{", "é"]
        ),
        max_size=14,
    ).map("".join),
    st.floats(),
)  # fmt: skip
def test_no_template_raises_once_it_was_read(text: str, value: float) -> None:
    try:
        template = Template(text)
    except ValueError:
        return
    assert isinstance(template.expand(Facts({"job": "{{ $value }}"}, value)), str)


@settings(max_examples=part_of(100))
@given(st.floats())
def test_every_number_can_be_humanized(value: float) -> None:
    for function in ("humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp"):
        assert _text(f"{{{{ {function} $value }}}}", value)


def test_a_megabyte_of_braces_is_read_at_once() -> None:
    with pytest.raises(ValueError, match="without"):
        Template("{{" * 500_000)


def test_a_literal_is_not_expanded() -> None:
    assert Template.literal("{{ $value }}").expand(_FACTS) == "{{ $value }}"
