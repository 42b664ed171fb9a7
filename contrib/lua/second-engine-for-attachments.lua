-- A second engine, slow or dear, sees attachments only. In avmilter.conf its section says enabled = passive and has the title "second".
-- What it finds, or fails to scan, counts like anything else; nothing has to be returned.
function on_message(msg)
	for _, part in ipairs(assert(msg:parts())) do
		if part.name and not part.container then
			av.scan_part(part, "second")
		end
	end
end
