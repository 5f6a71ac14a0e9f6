# tui_golden.sh: every screen at four sizes, cell by cell with styles, as in tests/golden.
#   tui_golden.sh --update      makes them anew (look at what changed before it is kept)
. "$(dirname "$0")/tap.sh"
golden=$src/tests/golden
sizes="80x24 100x30 200x60 40x12"
screens="overview categories tiers fragmap leaks calls timeline threads gpu"

# draw TRACE SCREEN PREPARE: all sizes into $tmp/drawn.
draw()
{
	local size
	rm -rf "$tmp/drawn"
	mkdir "$tmp/drawn"
	{
		echo ":screen $2"
		[ -z "$3" ] || echo "$3"
		for size in $sizes; do
			echo ":size $size"
			echo ":save-screen $tmp/drawn/$size"
		done
		echo ":set ascii on"
		echo ":size 80x24"
		echo ":save-screen $tmp/drawn/80x24-ascii"
	} >"$tmp/script"
	(cd "$src/traces" && "$build/mmtop" --no-symbols --script "$tmp/script" "$1.mmt")
}

# each NAME TRACE SCREEN [PREPARE]
each()
{
	local name=$1 file
	if ! draw "$2" "$3" "${4-}"; then
		check "$name is drawn" false
		return
	fi
	if [ "$update" = 1 ]; then
		for file in "$tmp"/drawn/*; do
			cp "$file" "$golden/$name-${file##*/}.txt"
		done
		return
	fi
	for file in "$tmp"/drawn/*; do
		check "$name ${file##*/}" diff "$golden/$name-${file##*/}.txt" "$file"
	done
}

update=0
if [ "${1-}" = --update ]; then
	update=1
	mkdir -p "$golden"
fi
for screen in $screens; do
	each "voxel-$screen" v1-voxel "$screen"
done
# Another program, gone to its peak; what traces lack; views and ranges.
for screen in overview leaks fragmap; do
	each "$screen" mmdig-pools "$screen" ":to peak"
done
each help mmdig-pools calls "?"
each moment mmdig-pools overview ":to 50%"
each range mmdig-pools timeline ":from 20%
:to 60%"
each flames v1-voxel calls "t t"
each callers v1-voxel calls "t"
each nothing v1-pools tiers
each nothing-gpu v1-pools gpu
each pinned v1-voxel fragmap "t t t"
each stack v1-voxel leaks "Down Enter"
each voxel-high v1-voxel tiers ":to 39.5s"
each voxel-tier v1-voxel tiers "Down Down Enter"
each voxel-heap v1-voxel gpu "Enter"
[ "$update" = 1 ] || done_testing
