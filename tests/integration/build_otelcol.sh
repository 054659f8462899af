#!/usr/bin/env bash
# Builds the official collector from its Go modules, once, into ~/.cache/mcp-opentelemetry. Needs Go.
# Only with the components that `collector-config` uses: the whole of contrib takes an hour and 400 MB.
set -euo pipefail

version=v0.159.0 # of the builder and, in otelcol_build.yaml, of every component
manifest=$(cd "$(dirname "$0")" && pwd)/otelcol_build.yaml
target=${1:-$HOME/.cache/mcp-opentelemetry}
# Built anew where the manifest has changed since.
[ -x "$target/otelcol" ] && cmp -s "$manifest" "$target/otelcol.yaml" && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"
(cd "$work" && go run "go.opentelemetry.io/collector/cmd/builder@$version" --config "$manifest" --ldflags "-s -w")
mv "$work/otelcol/otelcol" "$target/otelcol.new"
mv "$target/otelcol.new" "$target/otelcol"
cp "$manifest" "$target/otelcol.yaml"
