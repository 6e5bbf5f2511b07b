# Manifests, HEAD and pages of lists: many small requests from 16 connections. For dev.d/bench.

manifests_figure() {
  local servers=(holdfast holdfast-users "${registries[@]}" docker-registry-users nginx) name round workload
  for name in "${servers[@]}"; do start "$name"; done
  # nginx serves the bytes that Holdfast answers, so the generator pushes them there once.
  prepare holdfast --workload manifest-by-tag --seed 1
  curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "$(url holdfast)/v2/bench/1/r00000/manifests/read-1024-1-0" -o "$work/nginx/www/manifest"
  for name in holdfast holdfast-users; do compile "$name" manifest-by-tag,manifest-by-digest; done
  for round in $(seq "$rounds"); do
    for workload in manifest-by-tag manifest-by-digest; do
      for name in $(in_turn "$round" "${servers[@]}"); do
        case $name in
          nginx) measure "$workload" nginx "$round" --workload get --path /manifest --connections 16 --duration "${seconds}s" --warmup "$warmup" ;;
          # bcrypt on each request makes both the same.
          docker-registry-users) [[ $workload == manifest-by-digest ]] || measure_small "$workload" "$workload" "$name" "$round" ;;
          *) measure_small "$workload" "$workload" "$name" "$round" ;;
        esac
      done
    done
  done
  stop "${servers[@]}"
}

# docker-registry 2.8 knows neither referrers, whose target is a share of manifests by digest, nor pages of tags: it always sends all.
lists_figure() {
  local servers=(holdfast "${registries[@]}") name round entries
  for name in "${servers[@]}"; do start "$name"; done
  compile holdfast head,tags,referrers --seed 3 --entries 100
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" "${servers[@]}"); do measure_small head head "$name" "$round"; done
    # A repository for each list: one that sends all would send the longer one for both.
    for entries in 100 1000; do
      for name in $(in_turn "$round" "${servers[@]}"); do measure_small "tags-$entries" tags "$name" "$round" --seed "$entries" --entries "$entries"; done
    done
    for entries in 5 100; do measure_small "referrers-$entries" referrers holdfast "$round" --seed "$((3 + entries))" --entries "$entries"; done
  done
  stop "${servers[@]}"
}

# compile NAME WORKLOADS OPTIONS...: a server in service has compiled what it is asked for all the time; of the others none has to.
compile() { prepare "$1" --workload "$2" --connections 16 --duration "${seconds}s" --warmup 0 "${@:3}"; }

# measure_small FIGURE WORKLOAD NAME ROUND OPTIONS...
measure_small() {
  local figure=$1 workload=$2 name=$3 round=$4; shift 4
  measure "$figure" "$name" "$round" --workload "$workload" --connections 16 --duration "${seconds}s" --warmup "$warmup" "$@"
}
