"""The torture: an org, a gateway and a random workload under faults; at the end every row and column is the org's."""
