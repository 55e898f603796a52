# A plan of another version's may come with an upgrade: an image that can't boot is not
# made, and the one that is there stays.
/usr/lib/nvmeroot/nvmeroot-agent reads
[ $? -ne 1 ] || fail "the agent can't read its plan" 'run `nvmeroot configure` again'
