#!/bin/sh
# Install geo_minzheng from this folder, with no network: sh install.sh [FOLDER]
# Needs Python with venv, and nothing else. Installs beside an older version and switches over at the end.
set -eu
umask 022
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

fail() {
  printf '%s\n%s\n' "$1" "$2" >&2
  exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
[ -r "$here/release.txt" ] && [ -r "$here/SHA256SUMS" ] || fail \
  "安装文件夹不完整：“$here”里缺少 release.txt 或 SHA256SUMS。请重新完整拷贝后再装。" \
  "The bundle is incomplete: release.txt or SHA256SUMS is missing in $here. Copy the whole folder again."
read -r version needs machine < "$here/release.txt"

python=""
for name in ${PYTHON:+"$PYTHON"} "python$needs" python3; do
  if "$name" -I -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$needs')" >/dev/null 2>&1; then
    python=$name
    break
  fi
done
[ -n "$python" ] || fail \
  "没有找到 Python $needs。请用系统安装盘装上 python$needs 和 python$needs-venv；装在别处的，写 PYTHON=路径 sh install.sh。" \
  "Python $needs was not found. Install python$needs and python$needs-venv; if it stands elsewhere, run PYTHON=path sh install.sh."
[ "$(uname -m)" = "$machine" ] || fail \
  "这个安装包是给 $machine 机器做的，本机是 $(uname -m)。请用同类机器上做的安装包。" \
  "This bundle is for $machine machines, and this one is $(uname -m). Use a bundle made on a machine of its kind."
"$python" -I -c 'import venv, ensurepip' >/dev/null 2>&1 || fail \
  "Python 缺少 venv 模块。请用系统安装盘装上 python$needs-venv 后再装。" \
  "Python lacks its venv module. Install python$needs-venv and run this again."

# Nothing is installed before every file is seen to be as it was made.
damaged=$("$python" -I - "$here" <<'PY'
import hashlib, pathlib, sys
here = pathlib.Path(sys.argv[1])
told = dict(reversed(line.split("  ", 1)) for line in (here / "SHA256SUMS").read_text("utf-8").splitlines() if "  " in line)
must = {"install.sh", "requirements.txt", "release.txt"} | {p.relative_to(here).as_posix() for p in here.glob("wheels/*")}
def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
wrong = [name for name, sum_ in told.items() if digest(here / name) != sum_]
print(*sorted({*wrong, *(must - set(told))}), sep="\n")
PY
) || fail "安装文件夹里的 SHA256SUMS 读不出来。请重新完整拷贝后再装。" \
  "SHA256SUMS of the bundle cannot be read. Copy the whole folder again."
[ -z "$damaged" ] || fail \
  "这些文件损坏、缺失或不在清单内，什么也没有安装。请重新完整拷贝后再装：
$damaged" \
  "These files are damaged, missing or not on the list; nothing was installed. Copy the whole folder again."
mark=$("$python" -I -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$here/SHA256SUMS")
echo "SHA256SUMS $mark"

target=${1:-$HOME/geo-minzheng}
mkdir -p "$target/versions" "$target/bin" 2>/dev/null && [ -w "$target/versions" ] || fail \
  "不能写入“$target”。请换一个目录，或用有权限的账户安装。" \
  "$target cannot be written. Choose another folder, or install as somebody who may write there."
target=$(cd "$target" && pwd)
id=$version-$(printf %.12s "$mark")
place=$target/versions/$id

if [ ! -e "$place/.complete" ]; then
  rm -rf "$place"
  {
    "$python" -I -m venv "$place" &&
      "$place/bin/python" -I -m pip --isolated --disable-pip-version-check --quiet install --no-index --no-deps \
        --no-compile --require-hashes --find-links "$here/wheels" -r "$here/requirements.txt" &&
      "$place/bin/python" -I -m geo_minzheng.cli --version >/dev/null
  } || fail \
    "没有装成，原有版本未动。常见原因：磁盘空间不足（约需 2 GB），或系统太旧。上面是系统给出的原因。" \
    "It could not be installed; the version in use is untouched. Usually the disk is full (about 2 GB are needed) or the system too old; the lines above tell."
  # Not the tests that packages carry: nobody runs them. What is no Python for this version is not ours to mend.
  "$place/bin/python" -I -m compileall -q -j 0 -x "/tests?/" "$place/lib" >/dev/null 2>&1 || true
  touch "$place/.complete"
fi

cat > "$target/bin/geo-minzheng.new" <<'SH'
#!/bin/sh
# Written by install.sh. The district lives in home/ beside the versions, unless told otherwise.
here=$(dirname "$(dirname "$(readlink -f "$0")")")
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1 GEO_MINZHENG_HOME="${GEO_MINZHENG_HOME:-$here/home}"
exec "$(readlink -f "$here/current")/bin/python" -m geo_minzheng.cli "$@"
SH
chmod 755 "$target/bin/geo-minzheng.new"
mv -f "$target/bin/geo-minzheng.new" "$target/bin/geo-minzheng"
ln -sfn "versions/$id" "$target/current.new"
mv -fT "$target/current.new" "$target/current"

printf '%s\n%s\n' "已装好 geo_minzheng $version：$target/bin/geo-minzheng（数据目录 $target/home）" \
  "geo_minzheng $version is installed: $target/bin/geo-minzheng (the district lives in $target/home)"
