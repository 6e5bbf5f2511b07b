# Manifests, HEAD and pages of lists: many small requests from 16 connections. For dev.d/bench.

manifests_figure() {
  local servers=(holdfast holdfast-users "${registries[@]}" docker-registry-users nginx) name round workload
  for name in "${servers[@]}"; do start "$name"; done
  # nginx serves the bytes that Holdfast answers, so the generator pushes them there once.
  prepare holdfast --workload manifest-by-tag --seed 1
  curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "$(url holdfast)/v2/bench/1/r00000/manifests/read-1024-1-0" -o "$work/nginx/www/manifest"
  for round in $(seq "$rounds"); do
    for workload in manifest-by-tag manifest-by-digest; do
      for name in $(in_turn "$round" "${servers[@]}"); do
        case $name in
          nginx) measure "$workload" nginx "$round" --workload get --path /manifest --connections 16 --duration "${seconds}s" --warmup "$warmup" ;;
          # bcrypt on each request makes both the same.
          docker-registry-users) [[ $workload == manifest-by-digest ]] || measure_small "$workload" "$name" "$round" ;;
          *) measure_small "$workload" "$name" "$round" ;;
        esac
      done
    done
  done
  stop "${servers[@]}"
}

# docker-registry 2.8 has no referrers; the target is a share of manifests by digest.
lists_figure() {
  local servers=(holdfast "${registries[@]}") name round
  for name in "${servers[@]}"; do start "$name"; done
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" "${servers[@]}"); do measure_small head "$name" "$round"; done
    for name in $(in_turn "$round" "${servers[@]}"); do measure_small tags "$name" "$round" --seed 3 --entries 1000; done
    measure_small referrers holdfast "$round" --seed 3 --entries 100
  done
  stop "${servers[@]}"
}

# measure_small WORKLOAD NAME ROUND OPTIONS...
measure_small() {
  local workload=$1 name=$2 round=$3; shift 3
  measure "$workload" "$name" "$round" --workload "$workload" --connections 16 --duration "${seconds}s" --warmup "$warmup" "$@"
}
