-- Reject what is infected; let through, marked, what could not be looked into (seed 001: with action = "reject" both are rejected).
-- Mail that could not be scanned because something broke is still answered 451: a script cannot change that.
function on_verdict(msg, verdict)
	if verdict.class == "infected" then
		return "reject", "Message rejected: " .. verdict.name
	end
	if verdict.class == "unscannable" then
		return "pass"
	end
end
