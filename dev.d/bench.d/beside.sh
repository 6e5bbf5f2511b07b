# Latencies of pulls on a fixed timetable: alone, and beside pushers, deletes, a collection that never rests and a scrub. For dev.d/bench.
# alone: nothing else is done, and neither collection nor scrub is due · paced: 16 pushers at 20 images a second together, 20 deletes a second,
# collection each second without grace, and every stored byte hashed at 50 MiB/s over and over · flat-out: the same, the pushers as fast as they can.

beside_figure() {
  local round name length=$((seconds * 3)) filling=60
  [[ -z $quick ]] || filling=20
  start holdfast quiet
  prepare holdfast --workload pull --size 1MB --images 20 --seed 5
  # Something to hash for as long as is measured.
  prepare holdfast --workload push --size 10MB --connections 4 --requests "$filling"
  end holdfast
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" alone paced flat-out); do
      settle
      case $name in alone) start holdfast quiet ;; *) start holdfast upkeep ;; esac
      prepare holdfast --workload pull --size 1MB --images 20 --seed 5 --connections 4 --requests 60
      case $name in
        paced) begin_work --rate 20 ;;
        flat-out) begin_work ;;
      esac
      measure beside "$name=holdfast" "$round" --workload pull --size 1MB --images 20 --seed 5 --connections 16 --rate 100 --duration "${length}s" --warmup "$warmup"
      end_work
      end holdfast
    done
  done
  stop holdfast
}

# begin_work PUSHER-OPTIONS...: returns when it is under way.
begin_work() {
  local deletes=$(((length + 5) * 20))
  "${bench[@]}" "holdfast=$(url holdfast)" --workload push --size 1MB --connections 16 "$@" --duration 1h --json >/dev/null 2>>"$work/helpers.log" &
  helpers+=($!)
  "${bench[@]}" "holdfast=$(url holdfast)" --workload delete --connections 1 --rate 20 --requests "$deletes" --json >/dev/null 2>>"$work/helpers.log" &
  helpers+=($!)
  scrub_on >/dev/null 2>>"$work/helpers.log" &
  helpers+=($!)
  sleep 3
}

end_work() {
  local pid
  for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${helpers[@]}"; do wait "$pid" 2>/dev/null || true; done
  helpers=()
}

# One scrub after the other. What it started ends with it: a server that stops would wait for a scrub that somebody asked for.
scrub_on() {
  local child=''
  trap 'kill "$child" 2>/dev/null; exit 0' TERM
  while :; do
    "$holdfast" scrub run --data "$work/holdfast/data" --rate 50MiB/s &
    child=$!
    wait "$child" || sleep 0.5
  done
}
