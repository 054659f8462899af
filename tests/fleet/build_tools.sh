#!/usr/bin/env bash
# Builds what the tests of collector-config ask, from Go modules, once, into ~/.cache/mcp-opentelemetry. Needs Go.
# Alertmanager and amtool: Debian's are old, and people have new ones. compose-go: what `docker compose` reads files with.
# Of the Prometheus operator only the definitions of its resources.
set -euo pipefail

alertmanager=v0.34.2
compose=v2.16.2
operator=v0.85.0
target=${1:-$HOME/.cache/mcp-opentelemetry}
built="alertmanager $alertmanager, compose-go $compose, prometheus-operator $operator"
[ "$(cat "$target/fleet.build" 2>/dev/null)" = "$built" ] && exit 0

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$target/prometheus-operator"

unpack() { # module@version, folder
  local module
  module=$(cd / && go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp -r "$module" "$work/$2"
  chmod -R u+w "$work/$2"
}

build() { # folder, package, program
  (cd "$work/$1" && GOWORK=off go build -tags netgo -ldflags "-s -w" -o "$target/$3.new" "$2")
  mv "$target/$3.new" "$target/$3"
}

unpack "github.com/prometheus/alertmanager@$alertmanager" alertmanager
# Its pages are no part of the module, and nobody looks at them here.
mkdir -p "$work/alertmanager/ui/app/dist"
touch "$work/alertmanager/ui/app/dist/index.html"
build alertmanager ./cmd/alertmanager alertmanager
build alertmanager ./cmd/amtool amtool

unpack "github.com/compose-spec/compose-go/v2@$compose" compose
build compose ./cmd compose-go

unpack "github.com/prometheus-operator/prometheus-operator@$operator" operator
cp "$work"/operator/example/prometheus-operator-crd/*_{servicemonitors,podmonitors,prometheusrules}.yaml "$target/prometheus-operator"

echo "$built" >"$target/fleet.build"
