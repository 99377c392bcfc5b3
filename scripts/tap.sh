# shellcheck shell=bash
# Shared by the scripts that test: writes TAP, and counts.

count=0 failed=0
tap_output=$(mktemp)

# A name and a command: its output is shown if it fails.
ok() {
	local name=$1 status=0

	shift
	count=$((count + 1))
	"$@" >"$tap_output" 2>&1 || status=$?
	if ((status == 0)); then
		echo "ok $count - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count - $name (exit status $status)"
	sed 's/^/#   /' "$tap_output"
}

status_is() {
	local wanted=$1 status=0

	shift
	"$@" || status=$?
	((status == wanted)) || {
		echo "exit status $status instead of $wanted"
		return 1
	}
}

not() {
	! "$@"
}

# Fails if a test has.
tap_end() {
	rm -f "$tap_output"
	echo "1..$count"
	echo "$((count - failed)) passed, $failed failed"
	((failed == 0))
}
