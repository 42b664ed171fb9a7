-- Keep certain findings in the quarantine, and mail with attachments of certain names, instead of refusing them.
local signatures = { "^Heuristics%.", "^PUA%." }
local attachments = { "%.scr$", "%.iso$" }

local function any(patterns, text)
	for _, pattern in ipairs(patterns) do
		if text:lower():find(pattern:lower()) then return true end
	end
	return false
end

function on_verdict(msg, verdict)
	for _, finding in ipairs(verdict.findings) do
		if finding.class == "infected" and not any(signatures, finding.name) then
			return nil -- a virus of another name: as configured
		end
	end
	for _, finding in ipairs(verdict.findings) do
		if any(signatures, finding.name) then return "quarantine" end
	end
	for _, part in ipairs(assert(msg:parts())) do
		for _, name in ipairs(part.names) do
			if any(attachments, name) then return "quarantine" end
		end
	end
end
