#!/usr/bin/env bash
# Builds promtool and Prometheus from the Go module, once, into ~/.cache/mcp-opentelemetry. Needs Go.
# Debian's are too old: their ranges are closed on the left, those of Prometheus 3 are open.
set -euo pipefail

version=v0.314.0 # of the module: Prometheus 3.14.0
tags=remove_all_sd,enable_kubernetes_sd,netgo
target=${1:-$HOME/.cache/mcp-opentelemetry}
[ "$(cat "$target/prometheus.build" 2>/dev/null)" = "$version $tags" ] && exit 0

module=$(cd / && go mod download -json "github.com/prometheus/prometheus@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cp -r "$module/." "$work"
chmod -R u+w "$work"
# It names modules that are not part of the module.
rm -f "$work/go.work"
mkdir -p "$target"
for program in promtool prometheus; do
  (cd "$work" && GOWORK=off go build -tags "$tags" -ldflags "-s -w" -o "$target/$program.new" "./cmd/$program")
  mv "$target/$program.new" "$target/$program"
done
echo "$version $tags" >"$target/prometheus.build"
