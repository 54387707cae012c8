"""Help articles, shipped with the product: how to do things, what words mean.

The nearest article is found by the words it shares with the question, rare words
counting more. Refuses to answer when nothing rare is shared.
"""

from collections import Counter
from dataclasses import dataclass
from math import log

from ai_service.assistant.normalising import words_of

LEAST_SCORE = 2.0


@dataclass(frozen=True, slots=True)
class Article:
    """keys: words a question about it uses, in both languages."""

    name: str
    keys: str
    en: str
    ms: str

    def text(self, language: str) -> str:
        return self.ms if language == "ms" else self.en


ARTICLES = (
    Article(
        "create_ticket",
        "create open new raise log ticket cipta buka buat daftar tiket baru",
        "To create a ticket: Tickets, New; give title, category and zone. Or tell me: "
        "“create an urgent repair ticket in Johor: no internet”.",
        "Untuk cipta tiket: Tiket, Baru; beri tajuk, kategori dan zon. Atau beritahu saya: "
        "“cipta tiket pembaikan segera di Johor: tiada internet”.",
    ),
    Article(
        "assign",
        "assign dispatch send team offer tugaskan agihkan hantar pasukan",
        "To assign a ticket, open it and choose a team; the list shows who fits and why. "
        "The team is offered the visit and accepts or declines it.",
        "Untuk menugaskan tiket, buka tiket dan pilih pasukan; senarai menunjukkan siapa "
        "yang sesuai dan sebabnya. Pasukan menerima atau menolak tawaran itu.",
    ),
    Article(
        "close",
        "close complete finish resolve confirm tutup siapkan selesaikan sahkan",
        "A ticket is completed by its last visit or by “complete”; “close” confirms it. A "
        "completed ticket can be reopened within 14 days.",
        "Tiket siap apabila lawatan terakhir selesai atau ditandakan siap; “tutup” "
        "mengesahkannya. Tiket yang siap boleh dibuka semula dalam 14 hari.",
    ),
    Article(
        "hold",
        "hold pause pausing reason reasons tangguh tangguhkan ditangguhkan berhenti sebab",
        "Put a ticket on hold with a reason. Customer absent, awaiting parts, permit or "
        "access, weather or safety, third party and customer info pause the resolution clock.",
        "Tangguhkan tiket dengan sebab. Pelanggan tiada, menunggu alat ganti, permit, cuaca, "
        "pihak ketiga dan maklumat pelanggan menghentikan jam penyelesaian.",
    ),
    Article(
        "sla",
        "sla clock start stop target promise deadline due calculated work working hours "
        "jam dikira sasaran bermula berfungsi tarikh akhir urgent high medium low",
        "The SLA clock runs in working time of the zone's calendar from opening. Standard "
        "targets (response/resolution): urgent 30 min/4 h, high 1 h/8 h, medium 4 h/16 h, "
        "low 8 h/40 h. At risk means 75 % of the time is used.",
        "Jam SLA berjalan mengikut waktu kerja kalendar zon sejak tiket dibuka. Sasaran biasa "
        "(respons/penyelesaian): segera 30 min/4 jam, tinggi 1/8 jam, sederhana 4/16 jam, "
        "rendah 8/40 jam. Berisiko bermaksud 75 % masa telah digunakan.",
    ),
    Article(
        "completion_rate",
        "completion rate ratio calculated defined measured mean kadar siap selesai "
        "penyiapan penyelesaian dikira maksud definisi",
        "Completion rate = completed ÷ (completed + backlog at the end of the period).",
        "Kadar penyiapan = siap ÷ (siap + tunggakan pada akhir tempoh).",
    ),
    Article(
        "sla_compliance",
        "compliance met attainment pematuhan patuh sla calculated dikira maksud mean",
        "SLA compliance = promises met ÷ promises judged in the period; overdue tickets still "
        "open count as missed.",
        "Pematuhan SLA = janji dipatuhi ÷ janji dinilai dalam tempoh; tiket lewat yang masih "
        "terbuka dikira tidak dipatuhi.",
    ),
    Article(
        "response",
        "first response time acknowledgement respons masa tindak balas maklum",
        "First response = from opening to the first visit accepted or public staff comment.",
        "Respons pertama = dari tiket dibuka hingga lawatan pertama diterima atau komen "
        "awam kakitangan.",
    ),
    Article(
        "resolution",
        "resolution mttr time resolve masa penyelesaian tempoh median p90",
        "Resolution time = from opening to completion less pauses; the median and the 90th "
        "percentile (p90) stand beside the mean.",
        "Masa penyelesaian = dari dibuka hingga siap tolak masa ditangguhkan; median dan "
        "persentil ke-90 (p90) ditunjukkan bersama purata.",
    ),
    Article(
        "backlog",
        "backlog unfinished tunggakan tertunggak mean maksud",
        "Backlog = tickets open, in progress or on hold.",
        "Tunggakan = tiket terbuka, dalam proses atau ditangguhkan.",
    ),
    Article(
        "first_visit_fix",
        "first visit fix rate lawatan pertama",
        "Fixed at the first visit = completed with exactly one visit, not reopened in 14 days.",
        "Siap pada lawatan pertama = siap dengan satu lawatan sahaja dan tidak dibuka semula "
        "dalam 14 hari.",
    ),
    Article(
        "password",
        "password reset change kata laluan tukar set semula",
        "Change your password under Profile; the old one is asked for and your other sessions "
        "end.",
        "Tukar kata laluan di Profil; kata laluan lama diminta dan sesi lain ditamatkan.",
    ),
    Article(
        "export",
        "export download csv report import eksport muat turun laporan",
        "The ticket list can be exported as CSV with its filters; importing is a desk task "
        "with a dry run first.",
        "Senarai tiket boleh dieksport sebagai CSV mengikut tapisan; import dibuat oleh meja "
        "operasi dengan percubaan dahulu.",
    ),
    Article(
        "roles",
        "roles permissions role may peranan kebenaran",
        "Roles: requester (own tickets), technician (the team's), dispatcher and manager "
        "(their zones), viewer (reads all, contacts masked), admin (also configures).",
        "Peranan: requester (tiket sendiri), technician (tiket pasukan), dispatcher dan manager "
        "(zon mereka), viewer (baca semua, maklumat pelanggan dilindungi), admin (juga tetapan).",
    ),
    Article(
        "statuses",
        "status statuses visit visits lawatan work jenis keutamaan priorities",
        "Statuses: open, in progress, on hold, completed, closed, cancelled. A visit is offered, "
        "accepted, en route, on site, then done or not done.",
        "Status: terbuka, dalam proses, ditangguhkan, selesai, ditutup, dibatalkan. Lawatan "
        "ditawarkan, diterima, dalam perjalanan, di lokasi, kemudian siap atau tidak siap.",
    ),
    Article(
        "installing",
        "fibre fiber installation guide installing pemasangan panduan otdr splicing splice "
        "sambungan ujian testing drop",
        "Field guide: check the optical power at the FDP before and after; splice loss at most "
        "0.1 dB; test with the OTDR at 1310 and 1550 nm; photograph the ONT lights and the seal.",
        "Panduan lapangan: semak kuasa optik di FDP sebelum dan selepas; kehilangan sambungan "
        "paling banyak 0.1 dB; uji OTDR pada 1310 dan 1550 nm; ambil gambar lampu ONT.",
    ),
)
WORDS = {a.name: frozenset(words_of(a.keys)) for a in ARTICLES}
SPREAD = Counter(w for words in WORDS.values() for w in words)


def weight(word: str) -> float:
    return log((1 + len(ARTICLES)) / SPREAD[word])


def find_article(query: str) -> Article | None:
    """Return the article that shares most with the question, None if too little."""
    asked = set(words_of(query))
    scored = [
        (sum(weight(w) for w in asked & WORDS[a.name]), -n, a)
        for n, a in enumerate(ARTICLES)
    ]
    score, _, article = max(scored, key=lambda s: s[:2])
    return article if score >= LEAST_SCORE else None
