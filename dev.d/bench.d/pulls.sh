# Layers from the page cache, over HTTP and TLS, by 1 and by 16 clients. For dev.d/bench.

pulls_figure() { pull_all pull '' holdfast docker-registry nginx; }

tls_figure() { pull_all tls-pull tls holdfast nginx; }

# pull_all FIGURES FEATURE SERVER...
pull_all() {
  local figures=$1 feature=$2 servers=("${@:3}") name round clients size suites
  for name in "${servers[@]}"; do start "$name" "$feature"; done
  [[ $feature != tls ]] || {
    suites=$(for name in "${servers[@]}"; do suite_of "$name-tls"; done | sort -u)
    [[ -n $suites && $suites != *$'\n'* ]] || die "the servers' cipher suites differ: ${suites//$'\n'/, }"
    tls_suite=$suites
  }
  head -c "$layer_bytes" /dev/urandom >"$work/nginx/www/$layer"
  head -c 100000000 /dev/urandom >"$work/nginx/www/100MB"
  # The seed is fixed, so that the measured runs find the layers there, written back and in the page cache.
  for name in "${servers[@]}"; do
    [[ $name != nginx ]] || continue
    prepare "$name" --workload blob --size "$layer,100MB" --seed 2
    # A server in service has compiled what a pull needs.
    prepare "$name${feature:+-$feature}" --workload blob --size 1MB --connections 16 --requests 1000
    prepare "$name${feature:+-$feature}" --workload blob --size 100MB --seed 2 --connections 4 --requests 32
  done
  settle
  for round in $(seq "$rounds"); do
    for size in "$layer" 100MB; do
      for clients in 1 16; do
        # Sixteen large ones take longest by far.
        [[ $size != "$layer" || $clients == 1 || $round -le 2 ]] || continue
        for name in $(in_turn "$round" "${servers[@]}"); do
          [[ $size == "$layer" && $clients != 1 && $name == docker-registry ]] || pull_one
        done
      done
    done
  done
  stop "${servers[@]}"
}

# Uses the variables of pull_all.
pull_one() {
  local figure=$figures-${size/#$layer/layer}-$clients server=$name${feature:+-$feature} requests
  requests=$(pulls_of "$size" "$clients")
  case $name in
    nginx) measure "$figure" "$name=$server" "$round" --workload get --path "/$size" --connections "$clients" --requests "$requests" ;;
    *) measure "$figure" "$name=$server" "$round" --workload blob --size "$size" --seed 2 --connections "$clients" --requests "$requests" ;;
  esac
}

# pulls_of SIZE CLIENTS: so many that a measurement takes some seconds, and each client has as many as the others.
pulls_of() {
  local bytes=$layer_bytes goal=$((3 << 30)) each
  [[ $1 != 100MB ]] || bytes=100000000
  (($2 == 1)) || goal=$((8 << 30))
  [[ -z $quick ]] || goal=$((goal / 6))
  [[ -z $feature ]] || goal=$((goal / 2))
  each=$((goal / bytes / $2))
  echo $((each > 0 ? each * $2 : $2))
}
