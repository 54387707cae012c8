"""What the assistant does not do, told by the words of a message.

Pure. Secrets, other people's data, misuse and acts that no tool has are refused by
rule before any model judges; a rule names its reason, and the reply says what can be
done instead.
"""

import re

INJECTION = re.compile(
    r"ignore (?:all |any |your |the |my |previous |prior |above |earlier )+"
    r"(?:instructions?|rules?|prompts?|directions?|guidelines?)"
    r"|disregard (?:all |your |the |previous )+|forget (?:all |your |the |previous )+"
    r"(?:instructions?|rules?)"
    r"|system prompt|developer mode|jailbreak|you are now (?:an? |the |dan)|pretend (?:to be|you)"
    r"|act as (?:an? )?(?:admin|root|system|developer|dan|different)|do anything now"
    r"|(?:reveal|print|show|repeat|output|tell me) (?:me )?(?:your|the) "
    r"(?:system |hidden |initial |original )?(?:instructions|prompt|rules|configuration)"
    r"|without (?:asking|confirmation|confirming)|skip (?:the )?confirmation|bypass"
    r"|tanpa (?:pengesahan|tanya|bertanya)|abaikan (?:semua |arahan |peraturan )+"
    r"|lupakan (?:semua )?arahan|override (?:the |your )?(?:rules|safety|permissions?)"
    r"|drop table|delete from|union select|select \* from|insert into|<script|'; ?--|or 1 ?= ?1"
    r"|(?:run|execute|jalankan) (?:this |the |a )?(?:sql|code|command|script|shell|query)"
    r"|sudo |rm -rf|you have been (?:granted|given)|i am (?:the |an? )?(?:admin|administrator|developer)"
    r"|saya (?:adalah )?(?:admin|pentadbir)|as an? admin(?:istrator)?|elevate my|grant me",
    re.IGNORECASE,
)
SECRETS = (
    r"passwords?|kata laluan|katalaluan|api[ -]?keys?|kunci api|tokens?|secrets?|jwt|"
    r"credentials?|private keys?|env(?:ironment)? (?:variables?|file)|database (?:url|password)|"
    r"connection string|pin number|otp"
)
PERSONAL = (
    r"phone numbers?|telephone numbers?|phone no|mobile numbers?|contact (?:details|numbers?|info"
    r"(?:rmation)?)|home address(?:es)?|customer(?:'s|s')? (?:addresses|phones?|emails?|details|"
    r"data|names)|personal (?:data|details|information)|email address(?:es)?|ic numbers?|"
    r"no(?:mbor)? ?(?:tel(?:efon)?|fon|hp|ic)|nombor telefon|alamat rumah|data peribadi|"
    r"maklumat peribadi|emel pelanggan|nama pelanggan|alamat pelanggan|telefon pelanggan|"
    r"credit cards?|kad kredit|bank account|akaun bank|date of birth|tarikh lahir|"
    r"(?:private|direct) messages?|browsing history|location of (?:the )?technician|"
    r"where (?:does|do) .* live|di mana .* tinggal"
)
PRIVACY = re.compile(rf"(?<!\w)(?:{SECRETS}|{PERSONAL})(?!\w)", re.IGNORECASE)
HOW_TO = re.compile(
    r"^(?:how (?:do|can|to|should)|macam ?mana|bagaimana|cara|mcm ?mana)", re.IGNORECASE
)
UNSUPPORTED = re.compile(
    r"(?<!\w)(?:"
    r"(?:delete|remove|erase|purge|wipe|destroy|padam|padamkan|hapus|hapuskan|buang)"
    r"(?: \w+){0,4} (?:tickets?|tiket|users?|pengguna|teams?|pasukan|zones?|zon|accounts?|akaun|"
    r"comments?|komen|data|history|sejarah|everything|semua|customers?|pelanggan|database|records?"
    r"|ctt[ _-]?\d+|it|them)"
    r"|(?:delete|erase|padam|padamkan|hapus|hapuskan) (?:ctt[ _-]?\d+|#\d+|tiket|it)"
    r"|(?:export|download|dump|eksport|muat turun)(?: \w+){0,4} (?:users?|pengguna|customers?|"
    r"pelanggan|tickets?|tiket|data|database|csv|excel|report|laporan|spreadsheet|pdf)"
    r"|(?:close|cancel|assign|complete|update|change|reopen|tutup|batalkan|tugaskan|siapkan)"
    r" (?:all|every|semua|kesemua)(?: (?:the|of|open|tiket|overdue|urgent))*(?: \w+){0,2}"
    r"|(?:create|add|register|invite|deactivate|disable|unlock|ban|suspend|cipta|tambah|daftar|"
    r"nyahaktif|nyahaktifkan)(?: \w+){0,3} (?:users?|accounts?|pengguna|akaun|admin|technicians?|"
    r"juruteknik|dispatchers?|zones?|zon baru|roles?|pasukan baru)"
    r"|(?:add|create|make|cipta|tambah) (?:a |an )?(?:new )?teams?(?!\w* for)"
    r"|(?:make|promote|jadikan) (?:me|him|her|saya|user)(?: \w+){0,3} (?:admin|manager|pentadbir)"
    r"|(?:send|write|hantar)(?: \w+){0,3} (?:e-?mails?|emel|sms|whatsapp|text messages?|telegram|"
    r"slack message)"
    r"|(?:call|phone|ring|telefon|hubungi) (?:the |all )?(?:customers?|pelanggan|technicians?)"
    r"|(?:change|edit|ubah|tukar|update|set) (?:the |our )?(?:sla (?:policy|policies|targets?|"
    r"calendar)|working hours|polisi sla|sasaran sla|public holidays?|roles?|permissions?)"
    r"|(?:restart|shut ?down|reboot|deploy|backup|restore)(?: \w+){0,2} "
    r"(?:server|servers|system|database|service|sistem|pelayan)"
    r"|(?:merge|split|duplicate|clone|gabung|gabungkan)(?: \w+){0,3} (?:tickets?|tiket|ctt\w*)"
    r"|(?:schedule|book) (?:a |an )?(?:meeting|appointment|call)"
    r"|(?:upload|attach|muat naik|lampirkan) (?:a |the |an )?(?:photo|file|picture|gambar|fail|document)"
    r")(?!\w)",
    re.IGNORECASE,
)
NO_DATA = re.compile(
    r"(?<!\w)(?:gaji|salar(?:y|ies)|payroll|bonus(?:es)?|elaun|commission|komisen|revenue|"
    r"sales figures?|hasil jualan|pendapatan|profits?|keuntungan|untung|budget|bajet|belanja|"
    r"costs?|kos|expenses?|churn(?:ed)?|van|vans|vehicles?|kenderaan|lori|trucks?|fuel|petrol|"
    r"minyak|diesel|stock|stok|inventory|inventori|spare parts?|alat ganti (?:dalam|di) stor|"
    r"warehouse|gudang|cuti|on leave|sick leave|attendance|kehadiran|overtime|kerja lebih masa|"
    r"subscribers?|pelanggan baru|market share|nps|net promoter|electricity|bandwidth|"
    r"network speed|kelajuan rangkaian|turnover|recruitment|pengambilan|invoices?|invois|"
    r"payments?|bayaran|bil|bills?|billing|refunds?|discounts?|weather|cuaca|mileage|"
    r"uptime|latency|packet loss)(?!\w)",
    re.IGNORECASE,
)
VOWELS = set("aeiou")


def refusal_reason(raw: str) -> str | None:
    """Return why a message is refused outright, None if no rule speaks against it."""
    if INJECTION.search(raw):
        return "injection"
    if PRIVACY.search(raw) and not HOW_TO.search(raw):
        return "privacy"
    if UNSUPPORTED.search(raw) and not HOW_TO.search(raw):
        return "unsupported"
    return None


def lacks_data(raw: str) -> bool:
    """Whether a message asks for something that no tool has figures on."""
    return bool(NO_DATA.search(raw))


def is_gibberish(words: list[str], known: frozenset[str]) -> bool:
    """Whether nothing in a message looks like a word."""
    letters = [w for w in words if w.isalpha()]
    if not letters:
        return not any(w.strip("#@").replace("_", "").isalnum() for w in words)
    return all(w not in known and not looks_like_word(w) for w in letters)


def looks_like_word(word: str) -> bool:
    vowels = sum(c in VOWELS for c in word)
    run = longest_consonants(word)
    return bool(vowels) and run <= 3 and 0.2 <= vowels / len(word) <= 0.75


def longest_consonants(word: str) -> int:
    best = run = 0
    for c in word:
        run = 0 if c in VOWELS or c == "y" else run + 1
        best = max(best, run)
    return best
