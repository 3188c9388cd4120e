#!/bin/sh
# Builds Google.Protobuf.dll, protobuf for C#, here: with Debian's mono, from Debian's source of its own protoc.
set -e
examples=$(cd "$(dirname "$0")" && pwd)
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The sources of the machine's own package archive, whether or not its list of sources names them.
mkdir -p "$work/lists/partial"
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sort -u >"$work/sources.list"
archive="-o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$work/lists"
apt-get $archive update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
(cd "$work" && apt-get $archive source --download-only protobuf >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
tar -x -z -C "$work" -f "$work"/protobuf_*.orig.tar.gz

# mcs resolves the first file first, and mono keeps its own Unsafe to itself.
cd "$work"/protobuf-*/csharp/src/Google.Protobuf
others=$(find . -name '*.cs' ! -path ./Reflection/Descriptor.cs)
mcs -unsafe -target:library -langversion:latest -nowarn:1591 -out:"$here/Google.Protobuf.dll" \
    "$examples/Unsafe.cs" Reflection/Descriptor.cs $others
