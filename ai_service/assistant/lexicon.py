"""Words of the trade in English and Malay, and what each means to the API.

Only vocabulary; no grammar and no row. Phrases are written as normalising.py leaves
them: lower case, short forms written out. Longer phrases win over shorter ones.
"""

from collections.abc import Mapping

OPEN, RUNNING, DONE, CANCELLED = "open", "in_progress", "completed", "cancelled"
UNFINISHED = "unfinished"  # open, in progress and on hold together
ON_HOLD = "on_hold"

STATUS_PHRASES: Mapping[str, str] = {
    OPEN: "open;still open;terbuka;masih buka;masih dibuka;masih terbuka;tiket buka",
    RUNNING: "in progress;in-progress;in_progress;inprogress;ongoing;on going;on-going;"
    "being worked on;under way;underway;wip;started;sedang berjalan;dalam proses;"
    "sedang diproses;dalam tindakan;sedang dijalankan;sedang dibuat;tengah berjalan;"
    "tengah jalan;tengah buat;dalam progress;in proses;sedang dilaksanakan;sedang jalan",
    DONE: "completed;done;finished;resolved;closed;solved;fixed;selesai;siap;"
    "telah selesai;sudah selesai;sudah siap;telah siap;ditutup;sudah tutup;disiapkan;"
    "diselesaikan;sudah settle;settle;settled;sudah ditutup;setel",
    CANCELLED: "cancelled;canceled;cancelled ones;dibatalkan;batal;terbatal",
    ON_HOLD: "on hold;on-hold;on_hold;paused;ditangguhkan;ditangguh;tangguh;digantung",
    UNFINISHED: "unfinished;active;outstanding;pending;not done;not finished;unresolved;"
    "not completed;not yet done;not closed;still running;incomplete;uncompleted;"
    "belum selesai;belum siap;belum ditutup;belum tutup;tertunggak;tertangguh;aktif;"
    "belum settle;tidak selesai;tidak siap;belum selesai lagi;backlog;masih berjalan;"
    "masih aktif;not resolved;yet to be completed;belum disiapkan;belum diselesaikan",
}
PRIORITY_PHRASES: Mapping[str, str] = {
    "urgent": "urgent;critical;p1;kritikal;segera;mendesak;genting;paling segera",
    "high": "high;tinggi;p2",
    "medium": "medium;normal;sederhana;p3;biasa",
    "low": "low;rendah;p4",
}
SOFT_PRIORITIES = frozenset(
    {"high", "tinggi", "medium", "normal", "sederhana", "low", "rendah", "biasa"}
)
PRIORITY_WORDS = frozenset({"priority", "priorities", "keutamaan", "prioriti"})
TICKET_WORDS = frozenset(
    {"ticket", "tickets", "tiket", "tiket-tiket", "job", "jobs", "kes"}
)
CATEGORY_PHRASES: Mapping[str, str] = {
    "fiber_installation": "fiber installation;fibre installation;fiber installations;"
    "fibre installations;fiber install;fibre install;installation;installations;"
    "pemasangan fiber;pemasangan gentian;pemasangan gentian optik;pemasangan;"
    "fiber_installation;pasang fiber;pemasangan fibre",
    "maintenance": "maintenance;penyelenggaraan;selenggara;kerja selenggara",
    "repair": "repair;repairs;pembaikan;baik pulih;fault repair;pembaikian",
    "inspection": "inspection;inspections;pemeriksaan;periksa tapak;inspeksi",
    "emergency": "emergency;emergencies;kecemasan",
}
METRIC_PHRASES: Mapping[str, str] = {
    "completion_rate": "completion rate;completion rates;rate of completion;"
    "percent completed;percentage completed;kadar penyiapan;kadar siap;kadar selesai;"
    "kadar penyelesaian;peratus selesai;peratus siap;peratusan siap;peratusan selesai;"
    "completion ratio;kadar tiket siap;kadar tiket selesai",
    "avg_resolution_time": "resolution time;resolution times;average resolution time;"
    "avg resolution time;average resolution;avg resolution;mean resolution time;"
    "time to fix;time to finish;time to resolve;time to resolution;mttr;how long to resolve;"
    "how long does it take to resolve;time to close;time to complete;handling time;"
    "masa penyelesaian;purata masa penyelesaian;tempoh penyelesaian;masa siap;"
    "masa selesai;purata masa siap;purata masa selesai;tempoh siap;"
    "berapa lama untuk selesai;berapa lama untuk siap;masa untuk selesai;"
    "purata tempoh penyelesaian;average time to resolve;masa menyelesaikan",
    "avg_response_time": "response time;response times;average response time;"
    "avg response time;first response time;first response;time to respond;"
    "masa respons;masa respon;masa tindak balas;masa maklum balas;purata masa respons;"
    "purata masa tindak balas;purata masa respon;masa tindakbalas;"
    "purata masa maklum balas;how fast do we respond",
    "sla_compliance": "sla compliance;sla performance;sla rate;sla attainment;sla met;"
    "sla percentage;sla score;compliance with sla;pematuhan sla;kadar sla;prestasi sla;"
    "pencapaian sla;patuh sla;kadar pematuhan sla;sla compliance rate;sla adherence",
    "tickets_completed": "tickets completed;completed tickets;number of tickets completed;"
    "tiket siap;tiket selesai;tiket disiapkan;tiket diselesaikan;jobs done;"
    "bilangan tiket siap;jumlah tiket siap;jumlah tiket selesai",
    "open_tickets": "open tickets;tiket terbuka;backlog;workload;beban kerja;tunggakan",
    "overdue": "overdue tickets;overdue;tiket lewat;lewat;late tickets",
    "rating": "rating;ratings;customer rating;customer ratings;satisfaction;penilaian;"
    "rating pelanggan;penarafan;kepuasan pelanggan",
    "efficiency": "efficiency;efficient;kecekapan;cekap",
    "productivity": "productivity;productive;produktiviti;produktif",
    "created": "created;new tickets;ticket volume;volume;incoming tickets;incoming;"
    "tickets created;tiket baru;tiket masuk;dicipta;diwujudkan;jumlah tiket;"
    "ticket count;ticket counts;ticket creation;bilangan tiket;demand;permintaan;"
    "tiket dibuka;volume tiket;ticket volumes;number of tickets",
    "teams_needed": "teams needed;teams required;teams we need;teams do we need;"
    "teams will we need;how many teams;teams are needed;crews needed;staffing need;"
    "pasukan diperlukan;pasukan yang diperlukan;berapa pasukan;keperluan pasukan;"
    "pasukan perlu;resources needed;teams should we plan;staff needed;manpower;"
    "tenaga kerja;pasukan kita perlukan;team needed",
}
GROUP_WORDS: Mapping[str, str] = {
    "status": "status;statuses",
    "priority": "priority;priorities;keutamaan;prioriti",
    "category": "category;categories;kategori;type;types;jenis",
    "zone": "zone;zones;zon;state;states;negeri;kawasan;area;areas;region;regions;wilayah",
    "team": "team;teams;pasukan;crew;crews",
    "day": "day;daily;hari;harian",
    "week": "week;weekly;minggu;mingguan",
    "month": "month;monthly;bulan;bulanan",
}
GROUP_LEADS = (
    "by;per;each;every;across;for each;for every;grouped by;group by;broken down by;"
    "breakdown by;split by;mengikut;ikut;setiap;tiap;tiap-tiap;bagi setiap;untuk setiap;"
    "berdasarkan;pecahan;according to;among"
)
RANK_PHRASES: Mapping[str, str] = {
    "top": "top;best;highest;most;leading;fastest;quickest;greatest;busiest;strongest;"
    "terbaik;tertinggi;paling banyak;paling baik;paling tinggi;paling laju;terpantas;"
    "terbanyak;paling pantas;paling cekap;paling produktif;paling sibuk;paling bagus;"
    "best performing;top performing;paling cepat;tercepat;biggest;largest;paling ramai",
    "bottom": "bottom;worst;lowest;least;slowest;fewest;weakest;terburuk;terendah;"
    "paling sedikit;paling rendah;paling teruk;tercorot;paling lambat;paling lemah;"
    "worst performing;poorest;smallest;paling kurang;terlambat;struggling;"
    "underperforming;teruk",
}
SORT_PHRASES: Mapping[str, str] = {
    "newest": "newest;latest;most recent;recent;terkini;terbaru;paling baru;paling terkini",
    "oldest": "oldest;earliest;terlama;paling lama;tertua;longest open;longest waiting",
    "priority": "sorted by priority;sort by priority;order by priority;"
    "ordered by priority;most urgent first;ikut keutamaan;mengikut keutamaan;"
    "susun ikut keutamaan",
    "due": "sorted by due date;sort by due date;by due date;order by due;due first;"
    "due soonest;ikut tarikh akhir;mengikut tarikh akhir;order by due date",
}
OVERDUE = (
    "overdue;past due;over due;late;past their due date;past due date;past deadline;"
    "lewat;terlewat;melebihi tempoh;lepas tarikh akhir;lampau tempoh;delayed;"
    "melepasi tarikh akhir;lewat tempoh;tertangguh tempoh;past the deadline;sudah lewat"
)
UNASSIGNED = (
    "unassigned;not assigned;not yet assigned;without a team;without team;no team;"
    "nobody assigned;without any team;without an owner;no one assigned;"
    "belum ditugaskan;belum diagihkan;tiada pasukan;tanpa pasukan;belum di assign;"
    "belum assign;belum diassign;tidak ditugaskan;belum ada pasukan;belum diberi pasukan;"
    "belum ditugas;belum agih;unallocated;not allocated;not been assigned"
)
MINE = (
    "my tickets;assigned to me;mine;my ticket list;tiket saya;my list of tickets;"
    "ditugaskan kepada saya;my own tickets;saya punya tiket;my assigned tickets;"
    "my ticket;kepada saya"
)
MY_TEAM = "my team;our team;my crew;pasukan saya;pasukan kami;team saya;pasukan kita"
RECOMMENDED = (
    "recommended team;suggested team;the recommended one;team you recommended;"
    "team you suggested;best team;that team;pasukan yang dicadangkan;"
    "pasukan dicadangkan;pasukan cadangan;pasukan terbaik;pasukan itu;"
    "pasukan tersebut;team yang dicadangkan;top recommendation;the first recommendation;"
    "pasukan yang disyorkan;pasukan disyorkan"
)
BREACHED = (
    "pelanggaran sla;pelanggaran;langgaran sla;breached;already breached;have breached;missed sla;missed their sla;violated;"
    "sla breaches;breaches;sudah langgar;langgar sla;melanggar sla;melanggar;"
    "gagal sla;terlepas sla;sudah breach;breach sla already;broke sla;failed sla;"
    "sudah melanggar;sla violations;sla violation;sla dilanggar;out of sla"
)
FOCUS_PHRASES: Mapping[str, str] = {
    "workload": "workload;work load;beban kerja;balance;balancing;load;beban;"
    "mengimbangkan;imbang;overloaded;distribution",
    "staffing": "lebih pasukan;more crews;more people;staffing;staff;manpower;tenaga kerja;kakitangan;how many teams;"
    "more teams;tambah pasukan;headcount;anggota;resourcing;resources",
    "sla": "sla;breach;breaches;deadlines;compliance;pematuhan",
    "completion_rate": "completion rate;completion;kadar siap;kadar selesai;"
    "kadar penyiapan;kadar penyelesaian;finish more",
    "priority": "prioritise;prioritize;priority;priorities;prioritization;keutamaan;"
    "focus on first;utamakan;dahulukan;tackle first",
    "routing": "routing;routes;route;travel;laluan;perjalanan;travel time;jarak",
}
INCLUDE_PHRASES: Mapping[str, str] = {
    "comments": "comments;comment;komen;ulasan;notes;remarks;catatan",
    "history": "history;sejarah;timeline;audit trail;log;changes;perubahan;what happened;"
    "rekod perubahan;apa yang berlaku",
    "sla": "sla;due;deadline;when is it due;tarikh akhir;bila perlu siap;bila tamat tempoh;"
    "time left;masa tinggal;baki masa",
}
AVAILABILITY_PHRASES: Mapping[str, str] = {
    "available": "available;free;idle;tersedia;kosong;senang;free now;lapang;ada kosong;"
    "boleh ambil;tidak sibuk",
    "busy": "busy;occupied;sibuk;engaged;tengah kerja;sedang kerja",
    "inactive": "inactive;not active;deactivated;tidak aktif;nyahaktif",
}
STATUS_VERBS: Mapping[str, str] = {
    "in_progress": "start;begin;in progress;in_progress;in-progress;resume;mula;mulakan;"
    "sambung;sambung semula;dalam proses;sedang berjalan;kick off;started;dimulakan",
    "completed": "complete;completed;done;finish;finished;close;closed;resolve;resolved;"
    "siap;selesai;siapkan;selesaikan;tutup;ditutup;settle;fixed;solved;disiapkan",
    "cancelled": "cancel;cancelled;canceled;batal;batalkan;dibatalkan;void",
    "open": "reopen;re-open;open;open again;buka;buka semula;buka balik;terbuka",
}
CONFIRM = (
    "yes;yes please;yep;yeah;yup;ok;okay;sure;confirm;confirmed;go ahead;do it;proceed;"
    "ya;betul;setuju;teruskan;boleh;sahkan;ok boleh;ya teruskan;buat;jadi;ok proceed;"
    "yes do it;please do;confirm it;ya sahkan;ok teruskan;ya betul;yes confirm;"
    "yes go ahead;sounds good;correct;alright;baik;ya boleh;ok confirm;ok buat;silakan"
)
CANCEL = (
    "no;nope;cancel;cancel it;never mind;nevermind;stop;do not;dont;abort;no thanks;"
    "tidak;tidak jadi;jangan;batal;batalkan;tidak payah;tidak mengapa;tidak mahu;forget it;"
    "no cancel;no do not;tidak perlu;tolak;nanti dulu;not now;tak jadi;jangan buat;"
    "leave it;no stop;tidak usah;batalkan sahaja"
)
FOLLOW_UPS = (
    "and;what about;how about;also;only;just;same;same for;now;then;but only;"
    "dan;macam mana pula;bagaimana pula;macam mana dengan;bagaimana dengan;kalau;pula;"
    "sahaja;juga;yang;hanya;untuk;pulak;ok and;and for;and in;what of;now for;"
    "bagaimana;macam mana;kalau untuk;tapi;sama untuk;and now"
)
ORDINALS: Mapping[int, str] = {
    1: "first;first one;1st;pertama;yang pertama;number one;nombor satu;top one",
    2: "second;second one;2nd;kedua;yang kedua;number two;nombor dua",
    3: "third;third one;3rd;ketiga;yang ketiga;number three;nombor tiga",
    4: "fourth;fourth one;4th;keempat;yang keempat;nombor empat",
    5: "fifth;fifth one;5th;kelima;yang kelima;nombor lima",
}
FOCUS_TICKET = (
    "it;its;this ticket;that ticket;the ticket;this one;that one;the same ticket;"
    "tiket ini;tiket itu;tiket tersebut;nya;ia;yang itu;yang ini;same ticket"
)
MALAY_MARKS = frozenset(
    "berapa apa mana yang tiket saya kami kita dengan untuk dalam dari daripada ini itu "
    "bulan minggu hari semalam esok tahun tolong sila boleh tunjuk tunjukkan senarai "
    "senaraikan papar paparkan semak belum sudah sedang siapa bagaimana macam adakah "
    "bagi pada di ke zon pasukan keutamaan prestasi jumlah bilangan banyak tukar ubah "
    "tugaskan agihkan batalkan tutup siapkan lewat selesai siap terbuka tiada ada tidak "
    "ya jangan komen tambah cipta buat buka baru terima kasih selamat pagi petang hai "
    "risiko langgar melanggar cadangan cadangkan ramalan ramal trend perbandingan "
    "banding bandingkan setiap mengikut ikut paling terbaik kerja mahu ingin perlu "
    "kenapa bila berapakah apakah siapakah manakah lihat tengok cari senang sibuk "
    "kosong hampir akan sekarang juga sahaja pula dan atau negeri kawasan masalah "
    "teruskan setuju betul baik bantu bantuan maklumat butiran terkini anda awak".split()
)
ENGLISH_MARKS = frozenset(
    "how many what which who when where show list give me the is are of in for by this "
    "last next week month today yesterday tickets ticket open completed team teams zone "
    "please can you tell about with status assign change set add create and or not my "
    "your yes no thanks hello hi compare forecast trend risk best worst top should do "
    "does did any all there have has been still it on to from at late overdue".split()
)


def phrases(text: str) -> list[str]:
    return [p.strip() for p in text.split(";") if p.strip()]


def by_phrase(table: Mapping[str, str]) -> dict[str, str]:
    """Return {phrase: value} of a table {value: phrases}."""
    return {p: value for value, listed in table.items() for p in phrases(listed)}
