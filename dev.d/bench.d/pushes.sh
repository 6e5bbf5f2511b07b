# Pushes, durable with Holdfast; docker-registry answers when the bytes are in the page cache. Each server begins with an empty folder. For dev.d/bench.

push_figure() {
  local round name
  head -c "$layer_bytes" /dev/urandom >"$work/layer"
  settle
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" holdfast "${registries[@]}" dd sha256); do
      case $name in
        dd)
          say "round $round push dd"
          record_bytes push dd "$round" "$layer_bytes" "$(run_timed dd if=/dev/zero of="$work/dd" bs=1M count=$((layer_bytes >> 20)) conv=fsync)" "dd if=/dev/zero of=FILE bs=1M count=$((layer_bytes >> 20)) conv=fsync"
          rm "$work/dd" ;;
        sha256)
          say "round $round push sha256"
          record_bytes push sha256 "$round" "$layer_bytes" "$(run_timed openssl dgst -sha256 "$work/layer")" "openssl dgst -sha256 FILE" ;;
        *) push_into_new push "$name" "$round" --workload push --size "$layer" --connections 1 --requests 1 ;;
      esac
      settle
    done
  done
  rm "$work/layer"
}

push_10MB_figure() {
  local round name requests=96
  [[ -z $quick ]] || requests=32
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" holdfast "${registries[@]}"); do
      push_into_new push-10MB "$name" "$round" --workload push --size 10MB --connections 16 --requests "$requests"
      settle
    done
  done
}

# The three numbers of clients find one server, growing; it is the same for all servers.
small_push_figure() {
  local round name clients
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" holdfast "${registries[@]}"); do
      start "$name"
      for clients in 1 16 128; do
        measure "small-push-$clients" "$name" "$round" --workload push --size 1KiB --layers 2 --upload put --connections "$clients" --duration "${seconds}s" --warmup "$warmup"
      done
      stop "$name"; settle
    done
  done
}

# What a push holds in memory mustn't grow with its size.
parallel_push_figure() {
  start holdfast
  measure parallel-push holdfast 1 --workload push --size "$layer" --connections "$parallel" --requests "$parallel"
  stop holdfast; settle
}

# push_into_new FIGURE NAME ROUND OPTIONS...
push_into_new() {
  start "$2"
  warm "$2"
  settle
  measure "$@"
  stop "$2"
}
