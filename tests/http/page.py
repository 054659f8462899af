"""The page as a browser without JavaScript takes it: what elements there are, and what text is where."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link"})


@dataclass
class Element:
    """One element; `text` is all the text in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A parsed page.

    Args:
        source: its HTML.
    """

    source: str
    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def by_id(self, name: str) -> Element:
        """Return the element with an id."""
        (element,) = [element for element in self.elements if element.attributes.get("id") == name]
        return element

    def rows(self, table: str) -> list[list[Element]]:
        """Return the cells of a table's body."""
        start = self.elements.index(self.by_id(table)) + 1
        rows: list[list[Element]] = []
        for element in self.elements[start:]:
            if element.tag == "table":
                break
            if element.tag == "tr":
                rows.append([])
            elif element.tag in {"th", "td"}:
                rows[-1].append(element)
        return rows[1:]

    def numbers(self) -> dict[str, str]:
        """Return the key numbers by their titles."""
        titles = [element.text for element in self.elements if element.tag == "dt"]
        return dict(zip(titles, (element.text for element in self.elements if element.tag == "dd"), strict=True))
