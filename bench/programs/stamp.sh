# The same as stamp.c where there is no C compiler; its clock is the wall's.
say() { echo "$1 $$ $(date +%s%N) $name ${VALUE:--}" >> "$file"; }
file=$1 name=$2
trap 'say stop; kill $!; exit 0' INT TERM HUP USR2
say start
while :; do
    sleep 3600 &
    wait $!
done
