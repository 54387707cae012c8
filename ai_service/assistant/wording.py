"""Every sentence of the assistant, in English and Malay. Only words, no figures.

`say(key, language, **values)` fills one in. Vocabulary of the API is translated by
`term`; what it does not know is shown as it is.
"""

from typing import Any

LANGUAGES = ("en", "ms")
EN, MS = 0, 1

TEXTS: dict[str, tuple[str, str]] = {
    "count": ("{n} tickets: {what}.", "{n} tiket: {what}."),
    "count_one": ("1 ticket: {what}.", "1 tiket: {what}."),
    "compared": (
        "{n} tickets against {m} ({what}): {change}.",
        "{n} tiket berbanding {m} ({what}): {change}.",
    ),
    "more": ("{n} more", "bertambah {n}"),
    "fewer": ("{n} fewer", "berkurang {n}"),
    "same": ("no change", "tiada perubahan"),
    "list_head": ("{n} tickets: {what}.", "{n} tiket: {what}."),
    "list_shown": ("The first {k}:", "{k} yang pertama:"),
    "nothing": ("No tickets: {what}.", "Tiada tiket: {what}."),
    "by_group": ("{n} tickets: {what}. By {group}:", "{n} tiket: {what}. Mengikut {group}:"),
    "ticket_head": (
        "**{number}** {title}\n- {status}, {priority}, {category}, {zone}",
        "**{number}** {title}\n- {status}, {priority}, {category}, {zone}",
    ),
    "ticket_team": ("- With {team}", "- Pasukan: {team}"),
    "ticket_no_team": ("- No team yet", "- Belum ada pasukan"),
    "ticket_created": ("- Created {at}", "- Dicipta {at}"),
    "ticket_done": ("- Completed {at}", "- Siap {at}"),
    "ticket_due": (
        "- SLA: {state}, due {at}",
        "- SLA: {state}, tarikh akhir {at}",
    ),
    "ticket_sla": ("- SLA: {state}", "- SLA: {state}"),
    "comments": ("Comments ({n}):", "Komen ({n}):"),
    "history": ("History ({n} entries):", "Sejarah ({n} catatan):"),
    "none_found": ("None.", "Tiada."),
    "no_ticket": (
        "There is no ticket {number} that you can see.",
        "Tiada tiket {number} yang boleh anda lihat.",
    ),
    "aging": (
        "{n} unfinished tickets by age ({what}):",
        "{n} tiket belum selesai mengikut umur ({what}):",
    ),
    "risk_head": (
        "{n} tickets, the likeliest to miss their promise first ({what}):",
        "{n} tiket, yang paling berisiko melanggar SLA dahulu ({what}):",
    ),
    "breached_head": (
        "{n} tickets have missed their promise ({what}):",
        "{n} tiket telah melanggar SLA ({what}):",
    ),
    "risk_none": ("No such tickets ({what}).", "Tiada tiket seperti itu ({what})."),
    "risk_item": ("{number} {title}: {chance}, due {due}", "{number} {title}: {chance}, tarikh akhir {due}"),
    "no_model": ("no history to judge by", "tiada sejarah untuk dinilai"),
    "figures": ("Performance, {what}:", "Prestasi, {what}:"),
    "figure_one": ("{name}: {value} (n {n}), {what}.", "{name}: {value} (n {n}), {what}."),
    "no_figure": (
        "Nobody measures {name} here. {instead}",
        "{name} tidak diukur di sini. {instead}",
    ),
    "ranked": ("{group} by {name}, {what}:", "{group} mengikut {name}, {what}:"),
    "trend": (
        "{name} per {step}, {what}: {direction}.",
        "{name} setiap {step}, {what}: {direction}.",
    ),
    "rising": ("rising by {slope} a day (significant)", "meningkat {slope} sehari (signifikan)"),
    "falling": ("falling by {slope} a day (significant)", "menurun {slope} sehari (signifikan)"),
    "no_trend": ("no significant trend", "tiada trend yang signifikan"),
    "trend_last": ("Latest values:", "Nilai terkini:"),
    "forecast": (
        "Expected new tickets, {what}: {total} (model {model}).",
        "Jangkaan tiket baru, {what}: {total} (model {model}).",
    ),
    "forecast_day": ("{on}: {value} ({lo}–{hi})", "{on}: {value} ({lo}–{hi})"),
    "teams_needed": (
        "Teams needed, {what}: at most {n} on {on} against {m} available.",
        "Pasukan diperlukan, {what}: paling banyak {n} pada {on} berbanding {m} yang ada.",
    ),
    "no_resources": (
        "The forecast has no staffing figures for this yet.",
        "Ramalan belum mempunyai angka keperluan pasukan.",
    ),
    "insights": ("{n} findings now ({what}):", "{n} penemuan sekarang ({what}):"),
    "no_insights": ("Nothing stands out now ({what}).", "Tiada apa yang luar biasa sekarang ({what})."),
    "advice": ("Advice ({what}):", "Cadangan ({what}):"),
    "no_advice": (
        "Nothing needs doing by the counts ({what}).",
        "Tiada tindakan diperlukan mengikut kiraan ({what}).",
    ),
    "candidates": ("Best teams for {number}:", "Pasukan terbaik untuk {number}:"),
    "candidate": (
        "{name}: arrives in {eta} min, {km}, {risk}",
        "{name}: sampai dalam {eta} min, {km}, {risk}",
    ),
    "km": ("{km} km away", "{km} km jauhnya"),
    "km_unknown": ("distance not known", "jarak tidak diketahui"),
    "risk": ("breach risk {p}", "risiko langgar {p}"),
    "risk_unknown": ("breach risk not known", "risiko tidak diketahui"),
    "no_candidates": (
        "No team passes the rules for {number}; {n} were ruled out: {why}.",
        "Tiada pasukan memenuhi syarat untuk {number}; {n} ditolak: {why}.",
    ),
    "similar": ("{n} similar past tickets:", "{n} tiket lama yang serupa:"),
    "no_similar": ("No similar past tickets found.", "Tiada tiket lama yang serupa."),
    "similar_item": (
        "{number} {title}: {status}{how}{minutes}",
        "{number} {title}: {status}{how}{minutes}",
    ),
    "teams": ("{n} teams ({what}):", "{n} pasukan ({what}):"),
    "no_teams": ("No teams ({what}).", "Tiada pasukan ({what})."),
    "team_item": ("{name}, {zone}: {n} open tickets", "{name}, {zone}: {n} tiket belum selesai"),
    "my_day": ("{n} tickets of yours, due first:", "{n} tiket anda, tarikh akhir terdekat dahulu:"),
    "my_day_none": ("You have no unfinished tickets.", "Anda tiada tiket yang belum selesai."),
    "kb_none": ("I have no help article on that.", "Saya tiada artikel bantuan tentang itu."),
    "propose": (
        "Shall I {act}? Say yes or no; the offer stands for 5 minutes.",
        "Mahu saya {act}? Jawab ya atau tidak; tawaran ini sah 5 minit.",
    ),
    "act_assign": ("assign {number} to {team}", "tugaskan {number} kepada {team}"),
    "act_status": ("change {number} to {status}", "tukar {number} kepada {status}"),
    "act_priority": ("set the priority of {number} to {priority}", "tukar keutamaan {number} kepada {priority}"),
    "act_comment": ("add the comment “{text}” to {number}", "tambah komen “{text}” pada {number}"),
    "act_create": ("create the ticket “{title}” ({rest})", "cipta tiket “{title}” ({rest})"),
    "done": ("Done: {what}.", "Selesai: {what}."),
    "created": ("Created {number}: {title}.", "{number} dicipta: {title}."),
    "cancelled": ("Cancelled; nothing was changed.", "Dibatalkan; tiada apa yang diubah."),
    "nothing_pending": (
        "There is nothing waiting for your confirmation.",
        "Tiada apa yang menunggu pengesahan anda.",
    ),
    "expired": (
        "That proposal is no longer valid; please ask again.",
        "Cadangan itu tidak lagi sah; sila minta semula.",
    ),
    "changed": (
        "{number} was changed by someone since; nothing was done. Please ask again.",
        "{number} telah diubah oleh orang lain; tiada apa dibuat. Sila minta semula.",
    ),
    "refused_403": ("Your role may not do that.", "Peranan anda tidak dibenarkan berbuat demikian."),
    "refused": ("The system refused: {detail}", "Sistem menolak: {detail}"),
    "away": (
        "The data is away at the moment; please try again shortly.",
        "Data tidak dapat dicapai sekarang; sila cuba sebentar lagi.",
    ),
    "no_visible": ("I found nothing that you can see.", "Tiada apa yang boleh anda lihat."),
    "ask_ticket_number": ("Which ticket? Give its number, like CTT_42.", "Tiket yang mana? Beri nombornya, seperti CTT_42."),
    "ask_team": ("Which team?", "Pasukan yang mana?"),
    "ask_status": ("Which status should it have?", "Status apa yang dikehendaki?"),
    "ask_priority": ("Which priority: urgent, high, medium or low?", "Keutamaan apa: urgent, high, medium atau low?"),
    "ask_text": ("What should the comment say?", "Apakah isi komen itu?"),
    "ask_title": ("What is the problem? One line as the title.", "Apakah masalahnya? Satu baris sebagai tajuk."),
    "ask_category": (
        "Which kind: fiber installation, maintenance, repair, inspection or emergency?",
        "Jenis apa: fiber installation, maintenance, repair, inspection atau emergency?",
    ),
    "ask_zone": ("In which zone?", "Di zon mana?"),
    "ask_query": ("About what?", "Tentang apa?"),
    "unknown_zone": (
        "I know no zone “{said}”. Zones: {choices}.",
        "Saya tidak kenal zon “{said}”. Zon: {choices}.",
    ),
    "unknown_team": (
        "I know no team “{said}” that you can see.",
        "Saya tidak kenal pasukan “{said}” yang boleh anda lihat.",
    ),
    "no_reference": (
        "I have no list to count in; ask for tickets first.",
        "Tiada senarai untuk dirujuk; minta senarai tiket dahulu.",
    ),
    "no_recommended": (
        "No team was recommended yet; ask which team should take the ticket.",
        "Belum ada pasukan dicadangkan; tanya pasukan mana yang sesuai dahulu.",
    ),
    "none_out_of_scope": (
        "I can only help with field tickets, teams and their figures. {can}",
        "Saya hanya boleh membantu tentang tiket, pasukan dan angkanya. {can}",
    ),
    "none_no_data": (
        "I have no data on that. {can}",
        "Saya tiada data tentang itu. {can}",
    ),
    "none_unsupported": (
        "I cannot do that here. {can}",
        "Saya tidak boleh melakukannya di sini. {can}",
    ),
    "none_privacy": (
        "I do not give out personal data or secrets. {can}",
        "Saya tidak memberi data peribadi atau rahsia. {can}",
    ),
    "none_injection": (
        "I keep to my rules and to your own rights. {can}",
        "Saya mematuhi peraturan saya dan hak anda sahaja. {can}",
    ),
    "none_gibberish": (
        "I did not understand that. {can}",
        "Saya tidak faham. {can}",
    ),
    "can": (
        "Ask me for counts, lists, a ticket, SLA risk, performance, trends or a team for a ticket.",
        "Tanya saya bilangan, senarai, satu tiket, risiko SLA, prestasi, trend atau pasukan untuk tiket.",
    ),
    "help": (
        "I answer from live data, with your own rights, in English and Malay. Ask for:\n{items}",
        "Saya menjawab dari data semasa, mengikut hak anda, dalam Bahasa Malaysia dan Inggeris. "
        "Tanya tentang:\n{items}",
    ),
    "hello": ("Hello! {can}", "Helo! {can}"),
    "thanks": ("You're welcome.", "Sama-sama."),
    "bye": ("Goodbye.", "Jumpa lagi."),
    "and_more": ("… and {n} more", "… dan {n} lagi"),
    "everything": ("all that you can see", "semua yang boleh anda lihat"),
    "no_value": ("no value", "tiada nilai"),
}  # fmt: skip

TERMS: dict[str, tuple[str, str]] = {
    "open": ("open", "terbuka"),
    "in_progress": ("in progress", "dalam proses"),
    "on_hold": ("on hold", "ditangguhkan"),
    "completed": ("completed", "selesai"),
    "closed": ("closed", "ditutup"),
    "cancelled": ("cancelled", "dibatalkan"),
    "unfinished": ("unfinished", "belum selesai"),
    "urgent": ("urgent", "segera"),
    "high": ("high", "tinggi"),
    "medium": ("medium", "sederhana"),
    "low": ("low", "rendah"),
    "fiber_installation": ("fiber installation", "pemasangan fiber"),
    "maintenance": ("maintenance", "penyelenggaraan"),
    "repair": ("repair", "pembaikan"),
    "inspection": ("inspection", "pemeriksaan"),
    "emergency": ("emergency", "kecemasan"),
    "ok": ("on time", "mengikut masa"),
    "at_risk": ("at risk", "berisiko"),
    "breached": ("breached", "melanggar SLA"),
    "paused": ("paused", "dihentikan sementara"),
    "met": ("met", "dipatuhi"),
    "missed": ("missed", "tidak dipatuhi"),
    "none": ("none", "tiada"),
    "status": ("status", "status"),
    "priority": ("priority", "keutamaan"),
    "category": ("category", "kategori"),
    "zone": ("zone", "zon"),
    "team": ("team", "pasukan"),
    "teams": ("Teams", "Pasukan"),
    "zones": ("Zones", "Zon"),
    "day": ("day", "hari"),
    "week": ("week", "minggu"),
    "month": ("month", "bulan"),
    "created": ("created", "dicipta"),
    "due": ("due", "tarikh akhir"),
    "overdue": ("overdue", "lewat"),
    "unassigned": ("without a team", "belum ada pasukan"),
    "mine": ("yours", "anda"),
    "available": ("available", "tersedia"),
    "busy": ("busy", "sibuk"),
    "inactive": ("inactive", "tidak aktif"),
    "today": ("today", "hari ini"),
    "yesterday": ("yesterday", "semalam"),
    "tomorrow": ("tomorrow", "esok"),
    "this_week": ("this week", "minggu ini"),
    "last_week": ("last week", "minggu lepas"),
    "next_week": ("next week", "minggu depan"),
    "this_month": ("this month", "bulan ini"),
    "last_month": ("last month", "bulan lepas"),
    "next_month": ("next month", "bulan depan"),
    "this_quarter": ("this quarter", "suku tahun ini"),
    "last_quarter": ("last quarter", "suku tahun lepas"),
    "this_year": ("this year", "tahun ini"),
    "last_year": ("last year", "tahun lepas"),
    "completion_ratio": ("completion rate", "kadar penyiapan"),
    "resolution_mean_minutes": ("average resolution time", "purata masa penyelesaian"),
    "resolution_median_minutes": ("median resolution time", "median masa penyelesaian"),
    "first_response_median_minutes": ("median first response", "median masa respons"),
    "sla_met_ratio_resolution": (
        "SLA met (resolution)",
        "pematuhan SLA (penyelesaian)",
    ),
    "sla_met_ratio_response": ("SLA met (response)", "pematuhan SLA (respons)"),
    "backlog": ("unfinished", "tertunggak"),
    "first_visit_fix_ratio": ("fixed at the first visit", "siap pada lawatan pertama"),
    "utilisation_ratio": ("utilisation", "penggunaan masa"),
    "reopen_ratio": ("reopened", "dibuka semula"),
    "rating": ("customer rating", "rating pelanggan"),
    "efficiency": ("efficiency", "kecekapan"),
    "productivity": ("productivity", "produktiviti"),
    "workload": ("workload", "beban kerja"),
    "staffing": ("staffing", "kakitangan"),
    "sla": ("SLA", "SLA"),
    "completion_rate": ("completion rate", "kadar penyiapan"),
    "routing": ("routing", "laluan"),
    "nearest": ("Nearest figure:", "Angka terdekat:"),
}


def say(key: str, language: str, **values: Any) -> str:
    return TEXTS[key][LANGUAGES.index(language)].format(**values)


def term(word: Any, language: str) -> str:
    """Return a word of the API in the language; as it is when unknown."""
    known = TERMS.get(str(word))
    return known[LANGUAGES.index(language)] if known else str(word)
