# mmdig.sh: the digging program: what it keeps in bricks and octree equals a dense copy, its
# checksum depends on neither format nor memory, its own counts are what a report says of a
# recording, and its shipped recording decodes, reports and replays.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
mmdig=$build/examples/mmdig/mmdig

# sum ARGUMENT...: the checksum of a run that must succeed.
sum()
{
	"$mmdig" --res 64 "$@" >out 2>err || { echo "failed: $*"; cat out err; return 1; }
	sed -n 's/^checksum *//p' out
}

# --- against a dense copy ---------------------------------------------------------------
want=$(sum --digs 10 --check)
check "a checksum has 16 digits" grep -qE '^[0-9a-f]{16}$' <<<"$want"
check "nothing differs" grep -qx 'check *0 differences' out
for memory in mm malloc; do
	for format in f32 i16; do
		check_is "checked: $memory, $format" "$want" \
			"$(sum --digs 10 --check --alloc $memory --fmt $format)"
		check_is "streamed: $memory, $format" "$want" \
			"$(sum --digs 10 --alloc $memory --fmt $format --stream-radius 1)"
	done
done
for memory in mm malloc; do
	for threads in 2 5; do
		check_is "by $threads threads: $memory" "$want" \
			"$(sum --digs 10 --check --alloc $memory --threads $threads --stream-radius 2)"
	done
done
check_is "by 64 threads" "$want" "$(sum --digs 10 --threads 64)"
for path in crater random; do
	for band in 2 6; do
		check_is "checked: $path, band $band, streamed" \
			"$(sum --digs 5 --path $path --band $band --brush 4..16 --alloc malloc)" \
			"$(sum --digs 5 --path $path --band $band --brush 4..16 --check \
				--stream-radius 1)"
	done
done
check "regions went out and came back" grep -qE '^streamed +[1-9][0-9]* regions out, [1-9]' out
check_is "the same again" "$(sum --seed 7 --terrain 9 --digs 5)" "$(sum --seed 7 --terrain 9 --digs 5)"
differs() { [ "$(sum --digs 5)" != "$(sum --digs 5 "$@")" ]; }
check "another terrain is another world" differs --terrain 2
check "another path is another world" differs --seed 2
check "without digs it is another world" differs --digs 0

# A dense copy that could not tell would prove nothing: mistakes are put into the program.
# mistaken FILE FROM TO ARGUMENT...: whether the check of mmdig fails with one expression
# replaced in one file.
compile() { $CC -std=gnu17 -D_GNU_SOURCE -O1 -I"$src/include" -I"$src/examples/mmdig" -c "$@"; }
mistaken()
{
	local file=$1 from=$2 to=$3 status
	shift 3
	cp -r right wrong && sed "s/$from/$to/" "$src/examples/mmdig/$file" >wrong/it.c &&
		! cmp -s wrong/it.c "$src/examples/mmdig/$file" &&
		compile -o "wrong/${file%.c}.o" wrong/it.c &&
		$CC -o wrong.bin wrong/*.o "$build/libmm.a" -lm || return 1
	./wrong.bin --res 64 --check "$@" >out 2>err
	status=$?
	rm -r wrong
	[ $status = 1 ] && grep -q '^mmdig: .* at [0-9]* [0-9]* [0-9]*: ' err
}
mkdir right
(cd right && compile "$src"/examples/mmdig/*.c) || exit 99
check "seen: a ring not redone" mistaken dig.c 'bricks_box(w, touched, 1)' 'touched' --digs 5
check "seen: threads that leave work undone" mistaken crew.c 'i += c->threads' 'i += 2 * c->threads' \
	--digs 3 --threads 2
check "seen: an octree not redone" mistaken dig.c 'octree_renew(w, touched);' '' --digs 2
check "seen: materials not redone" mistaken dig.c 'bricks_each(w, ring, refresh_brick);' '' --digs 2
check "seen: a distance lost in packing" mistaken regions.c 'p++ - 64' 'p++ - 63' --digs 2 \
	--stream-radius 1

# --- meshes ------------------------------------------------------------------------------
cat >ball.py <<'P'
import math, struct
N, M = 24, 48
def point(i, j):
    a, b = math.pi * i / N, 2 * math.pi * j / M
    return math.sin(a) * math.cos(b), math.sin(a) * math.sin(b), math.cos(a)
points = [(0, 0, 1)] + [point(i, j) for i in range(1, N) for j in range(M)] + [(0, 0, -1)]
faces, last = [], len(points) - 1
for j in range(M):
    k = (j + 1) % M
    faces.append((0, 1 + j, 1 + k))
    faces.append((last, 1 + (N - 2) * M + k, 1 + (N - 2) * M + j))
    for i in range(N - 2):
        a, b = 1 + i * M + j, 1 + i * M + k
        faces += [(a, a + M, b + M), (a, b + M, b)]
def obj(faces):
    return "".join("v %r %r %r\n" % p for p in points) + \
           "".join("f %s\n" % " ".join("%d//1" % (c + 1) for c in f) for f in faces)
open("ball.obj", "w").write(obj(faces))
open("open.obj", "w").write(obj(faces[8:]))
open("far.obj", "w").write("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n")
head = "ply\nformat %s 1.0\nelement vertex %d\nproperty double x\nproperty double y\n" \
       "property double z\nelement face %d\nproperty list uchar int vertex_indices\nend_header\n"
open("text.ply", "w").write(head % ("ascii", len(points), len(faces)) +
    "".join("%r %r %r\n" % p for p in points) + "".join("3 %d %d %d\n" % f for f in faces))
body = (head % ("binary_little_endian", len(points), len(faces))).encode() + \
    b"".join(struct.pack("<3d", *p) for p in points) + \
    b"".join(struct.pack("<B3i", 3, *f) for f in faces)
open("ball.ply", "wb").write(body)
open("short.ply", "wb").write(body[:-100])
open("long.ply", "w").write(head % ("ascii", 1 << 60, 1))
open("text.stl", "w").write("solid ball\n" + "".join("facet normal 0 0 0\nouter loop\n%sendloop\nendfacet\n" %
    "".join("vertex %r %r %r\n" % points[c] for c in f) for f in faces) + "endsolid\n")
open("nan.stl", "w").write("solid\nvertex 0 0 nan\nvertex 0 1 0\nvertex 1 0 0\n")
P
python3 ball.py
want=$(sum --mesh ball.obj --digs 5 --check)
for file in text.ply ball.ply text.stl; do
	check_is "$file is the same ball" "$want" "$(sum --mesh $file --digs 5 --check)"
done
"$mmdig" --mesh ball.obj --res 128 --digs 0 >out
check "the ball has the volume of a ball" python3 -c '
import math, re
solid = int(re.search(r"(\d+) solid voxels", open("out").read()).group(1))
ball = 4 / 3 * math.pi * (128 * 0.4) ** 3
assert 0.98 * ball < solid < ball, (solid, ball)'

# --- what is refused ----------------------------------------------------------------------
# refused ARGUMENT...: status 2, one line on stderr, nothing on stdout.
refused()
{
	"$mmdig" --res 64 --digs 1 "$@" >out 2>err
	[ $? = 2 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q '^mmdig: \|mmdig: ' err
}
for bad in "--res 100" "--res 2048" "--res 64x" "--res" "--band 1" "--band 7" "--fmt i8" "--digs -1" \
	"--brush 3" "--brush 8..4" "--brush 4..17" "--brush .." "--path up" "--stream-radius 0" \
	"--alloc none" "--check --res 256" "--threads 0" "--threads 65" "--unknown" "extra" "--mesh absent.obj" \
	"--mesh ball.py" "--mesh open.obj" "--mesh far.obj" "--mesh short.ply" "--mesh long.ply" \
	"--mesh nan.stl"; do
	# shellcheck disable=SC2086
	check "refused: $bad" refused $bad
done
check "--help teaches" grep -q 'mmprof record' <("$mmdig" --help)

# --- recorded ------------------------------------------------------------------------------
cat >judge.py <<'P'
import json, jsonschema, sys
report, own = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
jsonschema.validate(report, json.load(open(sys.argv[3])))
engine = sys.argv[4] == "same engine"
last = {m["name"]: m["last"] for m in report["metrics"]}
checksum = own.pop("checksum")
# What depends on how memory is obtained is not the same in another version.
varies = lambda n: n == "structure_overhead_bytes" or "pool_bytes" in n or "free_count" in n
for name, value in own.items():
    assert varies(name) and not engine or last[name] == value, (name, last[name], value)
d = report["domains"]
members = ("svo_node_bytes", "sdf_field_bytes", "narrow_band_bytes", "material_channel_bytes",
           "mesh_data_bytes", "raw_bytes", "stored_bytes")
for m in members:
    assert d["svo_sdf"][m] == own[m], m
assert d["svo_sdf"]["structure_overhead_bytes"] == last["structure_overhead_bytes"]
ppm = lambda a, b: a * 10**6 // b
assert d["svo_sdf"]["compression_ppm"] == ppm(own["raw_bytes"], own["stored_bytes"]) > 10**6
svo, sdf = d["svo"], d["sdf"]
assert svo["inner_bytes"] + svo["leaf_bytes"] == own["svo_node_bytes"]
assert sum(svo["nodes_by_depth_count"]) * 8 == own["svo_node_bytes"]
assert svo["children_mean_ppm"] == ppm(own["svo.children_count"], own["svo.nodes_count"])
assert svo["leaf_fill_ppm"] == ppm(own["svo.leaf_children_count"], 8 * own["svo.leaf_nodes_count"])
assert svo["bytes_per_node_ppm"] == ppm(last["svo.pool_bytes"], own["svo.nodes_count"])
assert svo["pool_used_ppm"] == ppm(own["svo_node_bytes"], last["svo.pool_bytes"])
assert svo["full_grid_bytes"] == 64**3 // 8 and svo["dedup_ppm"] is None
assert sdf["bricks_resident_count"] * own["sdf.bits_per_sample"] * 64 == own["sdf_field_bytes"]
assert sdf["band_ppm"] == ppm(own["sdf.band_voxels_count"], own["sdf.stored_voxels_count"])
assert sdf["brick_dim"] == 8
categories = {c["name"]: c for c in report["categories"]}
for name in ("svo_nodes", "sdf_fields", "narrow_band", "material_channels", "mesh_data", "general"):
    assert categories[name]["alloc_count"] > 0, name
marks = [m["text"] for m in report["marks"]]
assert marks[0] == "built" and marks[-2:] == ["walked", "end"], marks
print("agrees", checksum)
P
# recorded ARGUMENT...: a fresh recording against the program's own counts.
recorded()
{
	"$mmprof" record -q --symbols=none -o run.mmt -- "$mmdig" --res 64 --stream-radius 1 \
		--json own.json "$@" >/dev/null 2>&1 &&
		"$mmprof" report -q --no-symbols --json run.mmt >report.json &&
		python3 judge.py report.json own.json "$src/src/view/mmprof.report.1.schema.json" \
			"same engine"
}
for memory in mm malloc; do
	check_is "a recording of $memory agrees with its own counts" \
		"agrees $(sum --digs 100 --fmt i16)" "$(recorded --digs 100 --fmt i16 --alloc $memory)"
done
check "the text has them too" grep -qE '^ +[1-9][0-9.]* KiB  svo_sdf.svo_node_bytes$' \
	<("$mmprof" report -q run.mmt)
check "and what follows from them" grep -qE '^ +[1-9][0-9.]*  svo_sdf.compression$' \
	<("$mmprof" report -q run.mmt)
check_is "categories of malloc's recording are exactly the counts" 0 "$(python3 - <<'P'
import json
report, own = json.load(open("report.json")), json.load(open("own.json"))
peak = {c["name"]: c["peak_bytes"] for c in report["categories"]}
print(sum(peak[c] < own[m] for c, m in (("sdf_fields", "sdf_field_bytes"),
    ("mesh_data", "mesh_data_bytes"), ("material_channels", "material_channel_bytes"))))
P
)"

# --- the shipped recordings: of malloc, and of libmm with its pools ------------------------------
# shipped NAME ARGUMENT...: a recording against a run of today, its own totals and its replays.
shipped()
{
	local name=$1 trace=$src/traces/$1.mmt
	shift
	check "$name is small" test "$(stat -c %s "$trace")" -le 204800
	"$mmdig" --res 64 --stream-radius 1 --json own.json "$@" >out
	"$mmprof" report -q --json "$trace" >report.json
	check_is "$name agrees with a run of today" "agrees $(sed -n 's/^checksum *//p' out)" \
		"$(python3 judge.py report.json own.json \
			"$src/src/view/mmprof.report.1.schema.json" "other")"
	check "$name has names of its own" grep -q '"nets_renew"' report.json
	"$mmprof" cat "$trace" >events
	check_is "$name: every event decodes" "$(python3 -c '
import json
t = json.load(open("report.json"))["totals"]
print(t["alloc_count"], t["free_count"])')" \
		"$(awk '$4 ~ /^[mc]alloc$|^realloc-in$|^note-alloc$/ { a++ }
			$4 ~ /^free$|^realloc-out$|^note-free$/ { f++ }
			END { print a + 0, f + 0 }' events)"
	"$mmprof" replay -q --no-pinned --json --compare all "$trace" >replay.json
	check "$name replays by the law, with every strategy" python3 -c '
import json
d, t = json.load(open("replay.json")), json.load(open("report.json"))["totals"]
assert len(d["replays"]) >= 3
for r in d["replays"]:
    assert r["law_broken_count"] == r["failed_count"] == r["unknown_free_count"] == 0
    assert r["alloc_count"] == t["alloc_count"] and r["free_count"] == t["free_count"]'
}
shipped mmdig --alloc malloc --digs 100
shipped mmdig-pools --digs 40
check "pools, slabs and keys of places are in it" \
	test "$(grep -cE '^[^ ]+ [0-9]+ [0-9-]+ (pool|slab|block-key) ' events)" -gt 50
done_testing
