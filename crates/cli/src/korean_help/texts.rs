//! The Korean texts of help, by command and name of the argument; those of a command within a command by both names.

/// A line about each command.
pub(super) const ABOUTS: &[(&str, &str)] = &[
    ("demo", "예제 사진이나 가지고 계신 사진으로 전체 과정을 실행해 봅니다"),
    ("serve", "업로드, 이미지, 콘솔, 작업을 맡는 서버를 실행합니다"),
    ("worker", "작업만 맡는 서버를 실행합니다"),
    ("push", "폴더를 점검하고, 서버에 없는 사진을 올리고, 기다렸다가 결과를 알려 줍니다"),
    ("deliveries", "전달 목록과 각각의 처리 상황을 보여 줍니다"),
    ("report", "전달 중 게시되지 않은 것과 조치할 사람을 알려 줍니다"),
    ("status", "처리 중인 것, 게시된 것, 거부된 것과 사유를 보여 줍니다"),
    ("check", "올리기 전에 폴더나 .zip 의 사진을 점검합니다"),
    ("verify", "원본, 이미지, 테이블의 행, 공개된 이미지가 서로 맞는지 확인합니다"),
    ("reconcile", "verify 가 찾은 것을 복구합니다. --apply 가 없으면 할 일만 보여 줍니다"),
    ("retry", "원인을 해결한 뒤, 거부된 원본과 데드레터를 다시 처리합니다"),
    ("restore", "삭제, 교체, 이동, 정리된 것을 되돌립니다"),
    ("dismiss", "거부된 파일을 정리하여 목록에 더 나오지 않게 합니다"),
    ("move", "사진을 다른 버티컬로 옮깁니다"),
    ("doctor", "설정을 점검하고 고칠 방법을 알려 줍니다"),
    ("adopt", "다른 시스템이 게시한 사진을 그대로 가져옵니다"),
    ("keys", "업로드용 접근 키를 만들고, 보고, 지웁니다"),
    ("token", "API 토큰을 만들고, 보고, 폐기합니다"),
    ("account", "콘솔 계정을 만들고, 보고, 초기화합니다"),
    ("webhook", "웹훅(알림을 보낼 주소)을 만들고, 보고, 시험하고, 다시 보냅니다"),
    ("login", "서버에 로그인합니다"),
    ("logout", "로그인 정보를 이 컴퓨터에서 지웁니다"),
    ("recover", "데이터베이스를 잃은 데이터 폴더를 복구합니다"),
    ("render", "서버 없이 파일로 이미지를 만들어 봅니다"),
    ("explain", "사유 코드의 뜻을 한국어와 영어로 설명합니다"),
    ("token create", "토큰을 만듭니다. 토큰은 한 번만 보여 줍니다"),
    ("token list", "토큰 목록을 보여 줍니다. 토큰 자체는 보이지 않습니다"),
    ("token revoke", "토큰을 폐기합니다. 그 토큰으로는 더 들어올 수 없습니다"),
    ("account link", "계정이 하나도 없을 때, 첫 관리자가 쓸 일회용 링크를 보여 줍니다"),
    ("account create", "계정을 만들고, 비밀번호를 정하는 일회용 링크를 보여 줍니다"),
    ("account list", "계정 목록을 보여 줍니다"),
    ("account reset", "비밀번호를 없애고 모두 로그아웃한 뒤, 새 비밀번호를 정하는 일회용 링크를 보여 줍니다"),
    ("account disable", "계정을 쓰지 못하게 하고 바로 로그아웃합니다"),
    ("account enable", "계정을 다시 쓸 수 있게 합니다"),
    ("account remove", "계정을 완전히 지웁니다"),
    ("webhook create", "웹훅을 만듭니다. 서명용 비밀 값은 한 번만 보여 줍니다"),
    ("webhook list", "웹훅 목록과 각각의 상태를 보여 줍니다"),
    ("webhook remove", "웹훅과 그 메시지를 완전히 지웁니다"),
    ("webhook enable", "멈춘 웹훅을 다시 보내게 합니다. 그동안의 것도 보냅니다"),
    ("webhook disable", "웹훅을 멈춥니다"),
    ("webhook rotate", "서명용 비밀 값을 새로 만들어 한 번만 보여 줍니다. 이전 값도 24시간 동안 함께 서명합니다"),
    ("webhook test", "시험 메시지를 지금 한 번 보내고 결과를 보여 줍니다"),
    ("webhook attempts", "최근에 보낸 기록을 보여 줍니다"),
    ("webhook replay", "보관 중인 메시지를 다시 보냅니다"),
];

/// What is below the options of an operators' command. These are the commands whose arguments are Korean.
pub(super) const AFTERS: &[(&str, &str)] = &[
    (
        "push",
        "예:\n  cameo push 사진폴더 --vertical ssgdfm_eye --wait\n  cameo push 사진.zip --vertical ssgdfm_eye --expect 전달목록.xlsx --wait\n  \
         cameo push 사진폴더 --vertical ssgdfm_eye --skip-faulty --wait\n  AWS_PROFILE=photos cameo push 사진폴더 --vertical ssgdfm_eye --s3 --wait\n\n\
         먼저 cameo check 처럼 폴더를 점검합니다. 문제가 있으면 아무것도 올리지 않고 종료 코드 3으로 끝나며, --skip-faulty 를 붙이면 문제 있는 \
         파일만 뺍니다. 무엇을 전달했는지 기록해 둡니다. 언제든 다시 실행하면 이어서 하고, 빠졌거나 달라진 것만 보냅니다.\n\n\
         --s3 를 붙이면 AWS 키(AWS_ACCESS_KEY_ID 와 AWS_SECRET_ACCESS_KEY, 또는 ~/.aws 의 프로필)로 서명하여 버킷에 바로 올립니다. 주소는 \
         AWS_ENDPOINT_URL 에 적은 것, 없으면 서버가 알려 주는 것입니다. 점검, 기록, 기다림, 결과는 그대로 서버와 토큰으로 합니다.\n\n\
         종료 코드: 0 모두 보냄(--wait 이면 모두 게시됨); 3 점검에서 문제가 있어 보내지 않음; 4 거부되었거나 뺀 파일만 남음; 5 처리 \
         중이거나 보내지 못한 것이 있음, 다시 실행; 7 받기로 한 것이 오지 않았거나 그사이 교체·삭제된 사진이 있음; 6 토큰이나 AWS 키가 맞지 않음; 130 중단됨, 다시 실행.",
    ),
    (
        "check",
        "예:\n  cameo check 사진폴더 --vertical ssgdfm_eye\n  cameo check 사진.zip --vertical ssgdfm_eye --expect 전달목록.xlsx\n  \
         cameo check 사진폴더 --vertical ssgdfm_eye --fix 고친폴더\n  cameo check 사진폴더 --vertical ssgdfm_eye --csv 점검결과.csv\n\n\
         아무것도 보내지 않고 서버도 필요 없습니다. 오류가 있으면 종료 코드 3, 경고만 있으면 0입니다.\n\n\
         목록은 CSV, .xlsx, .xls, 텍스트, manifest-sha256.txt 를 읽습니다.",
    ),
    (
        "report",
        "예:\n  cameo report 20261126-k3f9\n  cameo report 20261126-k3f9 --csv failed.csv\n  cameo report 20261126-day-ssgdfm_eye\n  \
         cameo report 20261126-k3f9 --manifest manifest-sha256.txt\n\n\
         조치할 사람별로 실패한 cd_idx 를 모두 보여 줍니다. 표는 엑셀로 열립니다. 전달 목록은 전달한 폴더에서 sha256sum -c 로 대조할 수 \
         있습니다.\n\n순번이 빠진 것처럼 실패는 아니지만 확인할 것은 맨 뒤에 나오며 종료 코드를 바꾸지 않습니다.\n\n종료 코드(전달에 대한 cameo status, verify, push --wait 와 같음): 0 모두 게시되었거나 \
         정리됨; 4 거부되었거나 뺀 파일만 남음; 5 처리 중인 것이 있음; 7 도착하지 않았거나 교체·삭제된 사진, 받기로 했는데 오지 않은 것이나 \
         받기로 하지 않은 것이 있음, 또는 모르는 전달.",
    ),
    (
        "deliveries",
        "예:\n  cameo deliveries\n  cameo deliveries --vertical ssgdfm_eye --limit 5\n\n\
         aws-cli 처럼 전달로 기록하지 않은 업로드는 등록된 날의 것으로 봅니다: 20261126-day-ssgdfm_eye. 버티컬마다 최근 7일이 함께 나옵니다. \
         전달 번호는 cameo status, verify, retry, report 에 쓸 수 있습니다.\n\n종료 코드: 7 그런 버티컬이 없음.",
    ),
    (
        "verify",
        "예:\n  cameo verify --vertical ssgdfm_eye\n  cameo verify 사진폴더 --vertical ssgdfm_eye\n  cameo verify 20261126-k3f9\n  \
         cameo verify --ids 351518,351519\n  cameo verify --ids-from 목록.csv\n  cameo verify --vertical ssgdfm_eye --sample 1000 --seed 7\n\n\
         완료되지 않은 것만 보여 줍니다(--all 은 모두). 이미지는 실제 공개 주소에서 받아 확인합니다. --server 를 쓰면 서버가 확인합니다.\n\n\
         폴더에는 --vertical 이 필요합니다. 파일 이름에는 버티컬이 없기 때문입니다.\n\n\
         빠졌거나 다른 것이 있을 때, 그리고 없는 번호이거나 모두 삭제된 번호일 때 종료 코드 7입니다.",
    ),
    (
        "status",
        "예:\n  cameo status\n  cameo status --ids 351518,351519\n  cameo status --vertical ssgdfm_eye\n  cameo status 20261126-k3f9\n\n\
         전달 번호를 적으면 등록되지 않은 파일마다 이유를 보여 주고, 끝에 개수를 보여 줍니다.\n\n\
         없는 번호이거나 모두 삭제된 번호이면 cameo verify 와 같이 종료 코드 7입니다. 전달: 처리 중이면 5, 도착하지 않았거나 교체·삭제된 것, 받기로 한 것과 \
         다른 것이 있으면 7, 거부되었거나 뺀 것만 남았으면 4.",
    ),
    (
        "retry",
        "예:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
         cameo retry --reason system.dead_letter\n  cameo retry 20261126-k3f9\n\n해당하는 데드레터도 다시 처리하며, 데드레터 목록에서 빠집니다.\n\n\
         종료 코드: 5 다시 보냈고 처리 중(결과는 cameo status 로 확인); 0 보낼 것이 없거나 --dry-run; 7 아는 것이 없거나, 적은 \
         번호 중 없는 것이 있음(나머지는 그대로 보냅니다).",
    ),
    (
        "login",
        "예:\n  cameo login https://cameo.example.com\n  cameo login https://cameo.example.com <토큰.txt\n  \
         cameo login https://cameo.office.lan --ca office-ca.pem\n\n\
         토큰은 터미널에서 물어보며 화면에 보이지 않습니다. 서버 주소와 토큰은 사용자 폴더(~/.config/cameo)의 login.json 에 본인만 읽을 수 있게 \
         저장됩니다. 우선순위: --server 등 명령에 적은 것, CAMEO_SERVER, 이 컴퓨터의 데이터 폴더, 이 로그인. CAMEO_TOKEN 은 저장된 토큰보다 \
         우선합니다. --ca 로 지정한 파일도 함께 기억합니다.",
    ),
    ("logout", "예:\n  cameo logout"),
    ("explain", "예:\n  cameo explain\n  cameo explain file.truncated"),
    (
        "reconcile",
        "예:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
         --apply 가 없으면 할 일만 보여 줍니다. 업로드 버킷의 파일은 바꾸지 않습니다. 이미지 버킷에서는 Cameo 가 만든 것 중 어느 사진의 것도 아닌 것만 \
         격리 보관소로 옮기며, `cameo restore` 로 되돌릴 수 있습니다. 복구할 수 없는 것은 조치할 사람과 함께 알려 줍니다.\n\n\
         종료 코드: 5 할 일이 있거나, --apply 뒤에 처리 중; 7 사람이 조치해야 함; 4 거부된 원본만 남음; 0 할 일 없음.",
    ),
    (
        "restore",
        "예:\n  cameo restore --list\n  cameo restore origin/ssgdfm_eye/351518_0.jpg\n  cameo restore --ids 351518 --dry-run\n  \
         cameo restore --since 2026-11-26T09:00+09:00 --vertical ssgdfm_eye\n  \
         cameo restore origin/ssgdfm_eye/351518_0.jpg --list\n  \
         cameo restore origin/ssgdfm_eye/351518_0.jpg --generation 0000000000000a3f\n\n\
         삭제되거나 교체된 원본은 store.keep_removed(기본 30일) 동안 보관됩니다. S3 에서는 Cameo 가 지운 것만 보관되며, 다른 프로그램이 지우거나 \
         바꾼 것은 버킷의 버전 관리가 있어야 합니다. 되돌린 원본은 새로 올린 것처럼 처리됩니다. 같은 이름의 파일이 이미 있으면 그대로 두고, \
         --generation 을 쓰면 그 위에 되돌리며 있던 것은 대신 보관합니다. --vertical 에는 origin/ 밖에 있던 파일도 폴더가 그 버티컬이면 포함되며, \
         버티컬을 알 수 없는 것은 개수만 알려 주고 키로 되돌립니다.\n\n\
         종료 코드: 5 원본을 되돌렸고 처리 중; 7 찾는 것이 격리 보관소에 없거나, 적은 이름이나 번호 중 없는 것이 있음(나머지는 그대로 \
         되돌립니다).",
    ),
    (
        "dismiss",
        "예:\n  cameo dismiss 'origin/ssgdfm_eye/1234 (1).jpg' --note \"바른 이름으로 다시 받음\"\n  \
         cameo dismiss --reason name.unparseable --vertical ssgdfm_eye --dry-run\n  \
         cameo dismiss --ids 351518 --note \"판매 종료\"\n  \
         cameo dismiss --delivery 20261126-k3f9 --ids 351518 --note \"폐점\"\n\n\
         이전의 정상 사진이 게시 중인 파일은 그대로 둡니다. 정상인 사진을 올려 주세요. 정리한 파일은 store.keep_removed(기본 30일) 동안 보관되며 \
         `cameo restore` 로 되돌리면 다시 거부된 상태가 됩니다.\n\n\
         전달을 적으면, 점검에서 빼고 올리지 않은 파일, 받기로 했으나 오지 않은 것, 목록에 없이 온 것, 지금은 없어진 것도 정리합니다. 보고서에 누가 왜 \
         정리했는지 나오고, 더는 전달을 막지 않습니다.\n\n\
         종료 코드: 7 찾는 것 중에 거부된 파일이 없거나, 적은 이름이나 번호 중 없는 것이 있음.",
    ),
    (
        "move",
        "예:\n  cameo move --from ssgdfm_ear --to ssgdfm_eye\n  \
         cameo move --from ssgdfm_ear --to ssgdfm_eye --ids 351518,351519 --apply\n  \
         cameo move --from ssgdfm_ear --to ssgdfm_eye --delivery 20261126-k3f9\n  \
         cameo move --undo cameo-move-ssgdfm_ear-ssgdfm_eye.jsonl --apply\n\n\
         --apply 가 없으면 옮길 것만 보여 줍니다. 원본을 새 이름으로 복사하여 처리하고, 등록된 뒤에야 이전 것을 이미지, 행과 함께 격리 보관소로 \
         옮깁니다. 중단되면 다시 실행해 주세요. 이어서 합니다. 옮길 자리에 다른 사진이 있으면 충돌이며, 둘 다 그대로 둡니다. --apply 를 쓰면 옮긴 \
         사진을 파일에 적어 두며, --undo 로 되돌릴 수 있습니다.\n\n\
         종료 코드: 0 모두 옮김; 5 할 일이 있거나 처리 중, 다시 실행; 7 충돌이나 거부된 사진이 있음, 옮길 것이 없음, 또는 적은 번호 중 사진이 없는 것이 \
         있음.",
    ),
    (
        "token",
        "예:\n  cameo token create --name kim --role operator --vertical ssgdfm_eye --expires 90d\n  \
         cameo token create --name ci --role viewer --json\n  cameo token list\n  cameo token revoke kim\n\n\
         서버가 있는 컴퓨터에서는 토큰이 필요 없습니다. 실행 중인 서버에는 데이터 폴더의 소켓으로 묻고, 실행 중이 아니면 데이터베이스에 씁니다. 폐기한 \
         토큰은 바로 거부됩니다. 역할: viewer 는 보기, operator 는 올리기와 재처리까지, admin 은 토큰 관리, 이미지 내리기, 복구까지 할 수 있습니다.",
    ),
    ("token create", "예:\n  cameo token create --name kim --role operator --vertical ssgdfm_eye --expires 90d"),
    ("token list", "예:\n  cameo token list"),
    ("token revoke", "예:\n  cameo token revoke kim"),
    (
        "account",
        "예:\n  cameo account link\n  cameo account create kim --role operator --vertical ssgdfm_eye\n  cameo account list\n  cameo account reset kim\n  \
         cameo account disable kim\n\n\
         만들거나 초기화한 계정에는 24시간 동안 쓸 수 있는 일회용 링크가 나오고, 본인이 그 링크로 비밀번호를 정합니다. 다른 사람은 비밀번호를 알 수 \
         없습니다. 서버가 있는 컴퓨터에서는 로그인이 필요 없습니다. 역할은 cameo token 과 같습니다.",
    ),
    ("account link", "예:\n  cameo account link"),
    ("account create", "예:\n  cameo account create kim --role operator --vertical ssgdfm_eye"),
    ("account list", "예:\n  cameo account list"),
    ("account reset", "예:\n  cameo account reset kim"),
    ("account disable", "예:\n  cameo account disable kim"),
    ("account enable", "예:\n  cameo account enable kim"),
    ("account remove", "예:\n  cameo account remove kim"),
    (
        "webhook",
        "예:\n  cameo webhook create https://receiver.example/cameo --event delivery.completed --event delivery.failed\n  \
         cameo webhook list\n  cameo webhook test wh_k3f9abcdefgh\n  cameo webhook attempts wh_k3f9abcdefgh\n  \
         cameo webhook replay wh_k3f9abcdefgh --since 2026-11-26T09:00+09:00\n\n\
         알림: delivery.completed, delivery.failed, original.rejected, entity.completed, image.replaced, image.removed. Standard Webhooks 규약대로 \
         서명하고, 받지 못하면 사흘 동안 다시 보냅니다. 내부 주소로는 설정([webhooks])에서 허용한 곳에만 보냅니다. 보내는 일은 실행 중인 서버가 \
         합니다. 자세한 것은 docs/webhooks.md 를 보세요.\n\n종료 코드: 0 완료; 5 시험을 받는 쪽이 받지 않음.",
    ),
    (
        "webhook create",
        "예:\n  cameo webhook create https://receiver.example/cameo --event original.rejected --vertical ssgdfm_eye",
    ),
    ("webhook list", "예:\n  cameo webhook list"),
    ("webhook remove", "예:\n  cameo webhook remove wh_k3f9abcdefgh"),
    ("webhook enable", "예:\n  cameo webhook enable wh_k3f9abcdefgh"),
    ("webhook disable", "예:\n  cameo webhook disable wh_k3f9abcdefgh"),
    ("webhook rotate", "예:\n  cameo webhook rotate wh_k3f9abcdefgh"),
    ("webhook test", "예:\n  cameo webhook test wh_k3f9abcdefgh"),
    ("webhook attempts", "예:\n  cameo webhook attempts wh_k3f9abcdefgh --limit 5"),
    (
        "webhook replay",
        "예:\n  cameo webhook replay wh_k3f9abcdefgh --message msg_0123456789abcdef0123456789abcdef\n  \
         cameo webhook replay wh_k3f9abcdefgh --since 2026-11-26T09:00+09:00",
    ),
];

/// Arguments that mean the same in every command.
pub(super) const ARGUMENTS: &[(&str, &str)] = &[
    ("config", "설정 파일. ./cameo.toml 과 사용자의 설정 파일 대신 씁니다"),
    (
        "ca",
        "이 PEM 파일의 인증기관이 발급한 서버 인증서도 믿습니다. 컴퓨터가 이미 믿는 기관에 더해집니다 [기본값: CAMEO_CA]",
    ),
    ("json", "프로그램이 읽는 JSON 으로 한 줄에 하나씩 보여 줍니다"),
    ("lang", "화면의 언어: ko 또는 en [기본값: 컴퓨터의 언어]"),
    ("folder", "사진 폴더, 또는 그 .zip 파일"),
    ("vertical", "이 버티컬만"),
    ("ids", "이 번호(cd_idx)만. 쉼표나 공백으로 구분하며, --ids-from 이 읽는 글도 됩니다"),
    (
        "ids_from",
        "파일(\"-\"는 표준 입력)에 있는 번호만: 목록, 엑셀의 열, 번호 열이 있는 CSV, 엑셀 파일(.xlsx, .xls), SQL 의 IN (…)",
    ),
    ("data", "서버의 데이터 폴더 [기본값: ./cameo-data]"),
    ("endpoint_url", "다른 곳에 있는 시스템의 S3 주소. 키는 AWS 도구처럼 환경 변수에서 읽습니다"),
    ("images_url", "이미지를 받아 볼 주소 [기본값: 공개 주소]"),
    ("catalog", "그 데이터베이스: mysql://…, postgres://… 또는 sqlite:FILE"),
    ("server", "이 서버에 묻습니다. 토큰은 CAMEO_TOKEN 이나 cameo login 의 것 [기본값: CAMEO_SERVER]"),
];

/// Arguments of one command, or that mean something of its own there.
pub(super) const OF_COMMAND: &[(&str, &str, &str)] = &[
    ("push", "vertical", "사진의 버티컬"),
    ("push", "wait", "모두 처리될 때까지 기다립니다"),
    ("push", "skip_faulty", "문제 있는 파일은 빼고 나머지를 올립니다. 뺀 파일은 결과에 나옵니다"),
    ("push", "expect", "받기로 한 것의 목록. 전달과 함께 보관하며, 모두 게시되어야 완료입니다"),
    (
        "push",
        "s3",
        "서버가 주는 주소 대신 AWS 키로 S3 엔드포인트에 바로 올립니다. 키는 환경 변수나 ~/.aws 에서 찾습니다",
    ),
    ("push", "note", "전달과 함께 보관할 메모"),
    ("push", "csv", "실패한 것의 표를 저장할 파일 [기본값: 실패한 것이 있으면 failed.csv]"),
    ("check", "vertical", "사진의 버티컬"),
    ("check", "expect", "받기로 한 것의 목록. 목록에만 있는 것과 폴더에만 있는 것을 알려 줍니다"),
    ("check", "csv", "점검 결과를 엑셀로 열 수 있는 CSV 파일로도 저장합니다"),
    ("check", "fix", "어느 쪽이 맞는지 분명한 파일을 바른 이름으로 새 폴더에 복사합니다. 원래 폴더는 바뀌지 않습니다"),
    ("report", "delivery", "전달 번호, 또는 버티컬의 하루: 20261126-day-ssgdfm_eye"),
    ("report", "csv", "실패한 것의 표를 이 파일에 저장합니다"),
    ("report", "manifest", "전달한 파일의 목록을 SHA-256 과 함께 이 파일에 저장합니다"),
    ("deliveries", "limit", "새것부터 몇 개까지"),
    ("verify", "handed_over", "전달받은 폴더(--vertical 필요) 또는 전달 번호. 바로 그 사진들이 있어야 합니다"),
    ("verify", "all", "완료된 것도 보여 줍니다(--json 이면 언제나)"),
    ("verify", "deep", "모든 원본, 이미지, 대표 사진의 내용을 읽어 확인합니다. 디스크의 손상을 찾습니다"),
    ("verify", "hashes", "전달의 원본을 모두 읽어 SHA-256 값이 전달할 때 기록한 값과 같은지 확인합니다"),
    (
        "verify",
        "sample",
        "공개된 이미지는 무작위로 이만큼만 받고, 전달이면 원본도 이만큼만 읽습니다. 나머지는 그대로 확인합니다",
    ),
    ("verify", "seed", "같은 이미지를 다시 고릅니다 [기본값: 무작위이며 결과에 나옵니다]"),
    ("verify", "progress", "--json 과 함께: 진행 상황도 줄로 보여 줍니다"),
    ("status", "delivery", "전달 번호(예: 20261126-k3f9), 또는 기록 없이 올린 하루: 20261126-day-ssgdfm_eye"),
    ("status", "all", "전달 중 등록된 파일도 보여 줍니다(--json 이면 언제나)"),
    ("retry", "delivery", "이 전달의 파일만(예: 20261126-k3f9)"),
    ("retry", "reason", "이 사유로 거부된 원본만"),
    ("retry", "dry_run", "실행하지 않고 어느 원본인지만 보여 줍니다"),
    ("login", "url", "서버 주소"),
    ("explain", "code", "사유 코드(예: file.truncated). 적지 않으면 모두 보여 줍니다"),
    ("reconcile", "apply", "실제로 복구합니다. 데이터 폴더라면 실행 중인 서버가 합니다"),
    ("reconcile", "deep", "먼저 모든 원본, 이미지, 대표 사진의 내용을 읽어 확인합니다"),
    ("restore", "keys", "삭제되거나 교체된 파일의 이름(키)"),
    ("restore", "since", "이때부터 삭제된 것만: 2026-11-26T09:00+09:00 또는 2026-11-26T00:00Z"),
    ("restore", "generation", "같은 이름으로 여러 개 있을 때 --list 에 나온 이것을, 지금 있는 것 위에 되돌립니다"),
    ("restore", "list", "보관된 것을 교체된 원본까지 모두 보여 주고, 되돌리지는 않습니다"),
    ("restore", "dry_run", "실행하지 않고 무엇을 되돌릴지만 보여 줍니다"),
    (
        "dismiss",
        "keys",
        "거부된 파일의 이름(키). 공백이 있으면 따옴표로 묶습니다. 전달에서는 그 안의 파일 이름도 됩니다",
    ),
    ("dismiss", "reason", "이 사유로 거부된 파일만"),
    ("dismiss", "delivery", "이 전달에서 해결되지 않은 것(예: 20261126-k3f9)"),
    ("dismiss", "note", "왜 정리하는지, 나중에 볼 사람을 위한 메모"),
    ("dismiss", "dry_run", "실행하지 않고 어느 파일인지만 보여 줍니다"),
    ("move", "from", "사진이 지금 있는 버티컬"),
    ("move", "to", "사진이 있어야 할 버티컬"),
    ("move", "delivery", "이 전달의 사진만(예: 20261126-k3f9)"),
    ("move", "undo", "이 파일에 적힌 사진을 되돌립니다"),
    ("move", "apply", "실제로 옮깁니다. 데이터 폴더라면 실행 중인 서버가 합니다"),
    ("move", "save", "옮긴 사진을 적어 둘 파일 [기본값: cameo-move-V-W.jsonl]"),
    ("move", "wait", "처리가 끝나기를 몇 초까지 기다릴지"),
    ("token create", "name", "이름: 누구의 것인지, 어디에 쓰는지"),
    ("token create", "role", "역할: viewer, operator, admin"),
    ("token create", "vertical", "이 버티컬만. 여러 번 적을 수 있습니다 [기본값: 모든 버티컬]"),
    ("token create", "expires", "유효 기간: 90d, 12h 등 [기본값: 무기한]"),
    ("token revoke", "token", "토큰의 이름이나 id"),
    ("account create", "name", "이름: 글자, 숫자, - _ . @"),
    ("account create", "role", "역할: viewer, operator, admin"),
    ("account create", "vertical", "이 버티컬만. 여러 번 적을 수 있습니다 [기본값: 모든 버티컬]"),
    ("account create", "language", "콘솔의 언어: ko 또는 en [기본값: ko]"),
    ("account reset", "account", "계정의 이름이나 id"),
    ("account disable", "account", "계정의 이름이나 id"),
    ("account enable", "account", "계정의 이름이나 id"),
    ("account remove", "account", "계정의 이름이나 id"),
    ("webhook create", "url", "보낼 주소: https://…"),
    ("webhook create", "event", "이 알림만. 여러 번 적을 수 있습니다 [기본값: 모든 알림]"),
    ("webhook create", "vertical", "이 버티컬만. 여러 번 적을 수 있습니다 [기본값: 모든 버티컬]"),
    ("webhook create", "description", "무엇인지, 사람을 위한 설명"),
    ("webhook create", "disabled", "아직 보내지 않습니다"),
    ("webhook remove", "webhook", "웹훅의 id"),
    ("webhook enable", "webhook", "웹훅의 id"),
    ("webhook disable", "webhook", "웹훅의 id"),
    ("webhook rotate", "webhook", "웹훅의 id"),
    ("webhook rotate", "at_once", "이전 비밀 값을 바로 쓰지 않습니다. 알려졌을 때 쓰세요"),
    ("webhook test", "webhook", "웹훅의 id"),
    ("webhook attempts", "webhook", "웹훅의 id"),
    ("webhook attempts", "limit", "새것부터 몇 개까지"),
    ("webhook replay", "webhook", "웹훅의 id"),
    ("webhook replay", "message", "이 메시지만: webhook-id 값"),
    ("webhook replay", "since", "이때부터의 것을 모두: 2026-11-26T09:00+09:00 또는 2026-11-26T00:00Z"),
];
