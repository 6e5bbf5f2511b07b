# Latencies of pulls on a fixed timetable: alone, and beside pushers, deletes, a collection that never rests and a scrub. For dev.d/bench.
# alone: nothing else is done, and neither collection nor scrub is due · paced: 16 pushers at 20 images a second together, 20 deletes a second,
# collection each second without grace, and every stored byte hashed at 50 MiB/s over and over · flat-out: the same, the pushers as fast as they can.

beside_figure() {
  # In the first seconds of that traffic a server that has just started compiles what it needs all day, on the cores that serve.
  local round name before length=$((seconds * 3)) warm=10 filling=60
  local pulls=(--workload pull --size 1MB --images 20 --seed 5)
  [[ -z $quick ]] || filling=20 warm=1
  start holdfast quiet
  prepare holdfast "${pulls[@]}"
  # Something to hash for as long as is measured.
  prepare holdfast --workload push --size 10MB --connections 4 --requests "$filling"
  end holdfast
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" alone paced flat-out); do
      settle
      case $name in alone) start holdfast quiet ;; *) start holdfast upkeep ;; esac
      case $name in
        paced) begin_work paced --rate 20 ;;
        flat-out) begin_work flat-out ;;
      esac
      # A pull that fails here is no reason to end a session: it fails below, too, or is of no interest.
      ask holdfast holdfast "${pulls[@]}" --connections 16 --rate 100 --duration "${warm}s" >/dev/null || (($? == 1)) ||
        { tail -3 "$work/generator.log" >&2; die "pulls can't be measured"; }
      before=$(done_work)
      measure beside "$name=holdfast" "$round" "${pulls[@]}" --connections 16 --rate 100 --duration "${length}s" --warmup "$warmup"
      [[ $name == alone ]] || record_work "$name" "$round" "$before"
      end_work
      [[ $name == alone || ! -s $work/pushers.json ]] || printf '{"figure":"beside-pushers","round":%d,"bench":%s}\n' "$round" "$(tr -d '\n' <"$work/pushers.json")" >>"$results"
      end holdfast
    done
  done
  stop holdfast
}

# begin_work NAME PUSHER-OPTIONS...: returns when it is under way.
begin_work() {
  local name=$1 deletes=$(((warm + length + 15) * 20)); shift
  "${bench[@]}" "$name=$(url holdfast)" --workload push --size 1MB --connections 16 "$@" --duration 1h --json >"$work/pushers.json" 2>>"$work/helpers.log" &
  helpers+=($!)
  "${bench[@]}" "deletes=$(url holdfast)" --workload delete --connections 1 --rate 20 --requests "$deletes" --json >/dev/null 2>>"$work/helpers.log" &
  helpers+=($!)
  scrub_on >/dev/null 2>>"$work/helpers.log" &
  helpers+=($!)
  sleep 2
}

end_work() {
  local pid
  for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${helpers[@]}"; do wait "$pid" 2>/dev/null || true; done
  helpers=()
}

# done_work: the time, rows that the collection looked at, bytes that the scrub hashed, since the server's start.
done_work() {
  curl -s "$(url holdfast)/metrics" |
    awk -v now="$EPOCHREALTIME" '/^holdfast_collection_reviews_total/ { reviews += $NF } /^holdfast_scrub_bytes_total/ { bytes += $NF } END { printf "%s %.0f %.0f", now, reviews, bytes }'
}

# record_work NAME ROUND BEFORE: work that isn't done disturbs nobody; without it the figure would be a lie.
record_work() {
  local metrics
  metrics=$(awk '{ seconds = $4 - $1; if ($5 > $2 && $6 > $3) printf "\"reviewsPerSecond\":%.1f,\"hashedBytesPerSecond\":%.0f", ($5 - $2) / seconds, ($6 - $3) / seconds }' <<<"$3 $(done_work)")
  [[ -n $metrics ]] || { tail -3 "$work/helpers.log" >&2; die "collection or scrub did nothing beside the pulls"; }
  record beside-work "$1" "$2" "$metrics"
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
