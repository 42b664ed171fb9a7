# virus-level.sieve - X-Virus-Status of avmilter as the number that virustest (RFC 5235) asks for
#
# A script for sieve_before: it runs in front of each user's own. 1 clean, 3 cured, 4 perhaps, 5 certainly; no field (Error, Skipped,
# nothing that we know) is 0, not tested.
# See dovecot-virustest.conf in this folder.
require ["editheader", "variables"];

deleteheader "X-Virus-Level";
set "level" "";
if header :matches "X-Virus-Status" "Clean" {
	set "level" "1";
} elsif header :matches "X-Virus-Status" "Repaired*" {
	set "level" "3";
} elsif header :matches "X-Virus-Status" ["Suspicious*", "Unscannable*", "Encrypted*", "Macro*"] {
	set "level" "4";
} elsif header :matches "X-Virus-Status" ["Infected*", "Evasion*", "Blocked*"] {
	set "level" "5";
}
if not string "${level}" "" {
	addheader "X-Virus-Level" "${level}";
}
