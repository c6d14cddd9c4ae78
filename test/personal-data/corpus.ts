// Lines in Korean and English with personal data of people who do not exist, and as many that only look
// like it: what the recognisers are measured by. All of it is made here, by fixed seeds.

import { kinds } from "../../personal-data/kind";
import { name, oneOf, type Random, randomBy, values } from "./values";

export interface Line {
  text: string;
  /** What must be found in it: kind and the characters. */
  expected: { kind: string; value: string }[];
}

// {kind} stands for a value. Some need the words beside them, as they do for people.
const sentences: Record<string, string[]> = {
  resident_number: [
    "주민등록번호는 {v}입니다.",
    "{name}님 ({v}) 본인 확인 부탁드립니다",
    "신청인: {name} / {v} / 동의함",
    "My resident registration number is {v}.",
    "외국인등록번호 {v} 로 가입했어요",
    "{name},{v},서울",
  ],
  business_number: [
    "사업자등록번호 {v} 로 세금계산서 발행해 주세요.",
    "상호: 가나상사, 등록번호 {v}",
    "Our business registration no. is {v}",
    "({v}) 가나다 주식회사 대표 {name}",
  ],
  driving_licence: [
    "운전면허번호 {v} 입니다",
    "면허: {v} ({name})",
    "His licence number is {v}.",
    "1종 보통 {v} 갱신일이 언제죠?",
  ],
  passport: [
    "여권번호는 {v} 입니다.",
    "Passport no. {v}, name {name}",
    "여권 {v} 만료일 확인해 주세요",
    "the traveller's passport ({v}) expires soon",
  ],
  phone: [
    "제 번호는 {v}입니다.",
    "연락처: {v}",
    "{v}로 전화 주세요",
    "{name} {v} 문자 부탁",
    "Please call me at {v}.",
    "휴대폰 {v}, 집 전화 아님",
    '"tel": "{v}"',
    "배송 전에 {v} 으로 연락바랍니다",
    "문의({v})는 평일에만",
  ],
  phone_us: [
    "Call {v} after lunch.",
    "My phone: {v}",
    "You can reach Jane Roe at {v}, thanks",
    "fax {v} / office",
  ],
  bank_account: [
    "국민은행 {v} 로 입금했어요",
    "계좌번호 {v} 예금주 {name}",
    "환불 계좌: 신한 {v}",
    "Please refund to account {v}",
    "카카오뱅크 {v} ({name})",
    "우리은행 계좌 {v} 입니다",
  ],
  card: [
    "카드번호 {v} 로 결제해 주세요",
    "My card is {v}, exp 12/29",
    "{v} (유효기간 11/28)",
    "VISA {v}",
    "결제 수단: {v}, 할부 3개월",
  ],
  iban: [
    "IBAN: {v}",
    "Please wire it to {v}.",
    "해외 송금은 {v} 로 부탁드려요",
    "Konto {v}, Jane Roe",
  ],
  us_ssn: ["SSN {v}", "My social security number is {v}.", "Employee Jane Roe, {v}, hired in May"],
  email: [
    "메일은 {v}입니다",
    "Send it to {v}.",
    "{name} <{v}>",
    "회신: {v}, 참조 없음",
    "mailto:{v}",
    "user={v}&x=1",
  ],
  ip_address: [
    "접속 IP {v} 에서 로그인 실패",
    "blocked {v} for an hour",
    "client={v} port=443",
    "{v} - - GET /index.html",
  ],
  address: ["배송지는 {v} 입니다.", "주소: {v}", "{v}로 보내 주세요", "저는 {v}에 살아요"],
  api_key: [
    "export OPENAI_API_KEY={v}",
    "Authorization: Bearer {v}",
    "키는 {v} 입니다, 지우지 마세요",
    'token: "{v}"',
    "use {v} for it",
  ],
  private_key: ["키 파일:\n{v}\n이상입니다", "{v}", "my key is {v} please check"],
};

type Trap = (random: Random) => string;

const digits = (random: Random, count: number) =>
  Array.from({ length: count }, () => String(random(10))).join("");
const two = (value: number) => String(value).padStart(2, "0");
const date = (random: Random) =>
  `20${two(10 + random(16))}-${two(1 + random(12))}-${two(1 + random(28))}`;
const hex = (random: Random, count: number) =>
  Array.from({ length: count }, () => random(16).toString(16)).join("");

const traps: Trap[] = [
  (r) => `주문번호 ${date(r).replaceAll("-", "")}-${digits(r, 7)} 배송 조회 부탁드립니다`,
  (r) => `주문번호: ${digits(r, 13)}`,
  (r) => `Order #${digits(r, 4)}-${digits(r, 4)}-${digits(r, 4)} has shipped`,
  (r) => `운송장 번호 ${digits(r, 12)} 로 조회하세요`,
  (r) => `운송장 ${digits(r, 4)}-${digits(r, 4)}-${digits(r, 4)}`,
  (r) => `order id ${digits(r, 16)}, qty ${1 + r(9)}`,
  (r) => `가격은 ${1 + r(9)},${digits(r, 3)},000원이고 배송비는 ${1 + r(9)},000원입니다`,
  (r) => `The total is $${1 + r(9)},${digits(r, 3)}.${two(r(100))} for ${1 + r(20)} items`,
  (r) => `${date(r)} ${two(r(24))}:${two(r(60))}:${two(r(60))} INFO started in ${r(900)} ms`,
  (r) => `${date(r).replaceAll("-", ".")} 오후 ${1 + r(12)}시 ${r(60)}분 예약`,
  (r) =>
    `"created": ${1_500_000_000 + r(300_000_000)}, "ms": ${1_500_000 + r(300_000)}${digits(r, 6)}`,
  (r) => `v${r(20)}.${r(20)}.${r(20)} 에서 v${r(20)}.${r(20)}.${r(20)}.${r(200)} 로 올리세요`,
  (r) => `버전 ${r(20)}.${r(20)}.${r(200)}.${r(200)} 설치`,
  (r) => `Mozilla/5.0 Chrome/1${two(r(40))}.0.${r(9000)}.${r(200)} Safari/537.36`,
  (r) => `id: ${hex(r, 8)}-${hex(r, 4)}-4${hex(r, 3)}-a${hex(r, 3)}-${hex(r, 12)}`,
  (r) => `sha256:${hex(r, 64)}`,
  (r) => `commit ${hex(r, 40)} fixes #${r(9000)}`,
  (r) => `chatcmpl-${hex(r, 24)} call_${hex(r, 20)}`,
  (r) => `const x = arr[${r(99)}] * ${r(999)}.${digits(r, 8)}; // line ${r(2000)}`,
  (r) => `pi is 3.14159265358979, e is 2.7182818284${digits(r, 6)}`,
  (r) => `for (let i = 0; i < ${r(99_999)}; i++) sum += i % ${1 + r(99)};`,
  (r) => `std::vector<int>::iterator it = a::b::c(${r(99)});`,
  (r) => `at ${two(r(24))}:${two(r(60))}:${two(r(60))} MAC 0${r(9)}:1a:2b:3c:4d:${hex(r, 2)}`,
  (r) => `npm install react@${r(20)}.${r(20)}.${r(20)} @types/node@^${r(24)}`,
  (r) => `git clone git@github.com:example/repo${r(99)}.git`,
  (r) => `<img src="icon${r(99)}@2x.png">`,
  (r) => `@Injectable() class A${r(99)} { @Input() b; }`,
  (r) => `server listens on 127.0.0.1:${3000 + r(6000)} and 0.0.0.0, mask 255.255.255.0`,
  (r) => `ISBN 978-89-${digits(r, 4)}-${digits(r, 3)}-${r(10)}`,
  (r) => `바코드 880${digits(r, 10)} 상품입니다`,
  (r) => `회의실로 ${1 + r(30)}명 오세요, 앞으로 ${1 + r(9)}일 남았어요`,
  (r) => `서울시 강남구로 ${1 + r(9)}번 이동했고 ${1 + r(9)}개를 샀다`,
  (r) => `우리 동네 ${1 + r(9)}동 사람들, 강남구 인구는 ${30 + r(30)}만 명`,
  (r) => `대표번호 15${two(44 + r(50))}-${digits(r, 4)} 고객센터 운영시간은 9-18시`,
  (r) => `모델명 SM-G${digits(r, 3)}N, 시리얼 R${digits(r, 2)}K${digits(r, 6)}`,
  (r) => `ticket ${digits(r, 3)}-${digits(r, 3)}-${digits(r, 4)} is closed`,
  (r) => `법인등록번호 110111-${digits(r, 7)}`,
  (r) => `사건번호 20${two(r(26))}가단${digits(r, 6)}, 문서번호 ${digits(r, 4)}-${digits(r, 6)}`,
  (r) => `점수 ${r(100)}-${r(100)}, 세트 ${r(3)}:${r(3)}, 비율 ${r(100)}.${two(r(100))}%`,
  (r) => `GPS 37.${digits(r, 6)}, 127.${digits(r, 6)}`,
  (r) => `재고 ${digits(r, 5)}개, 품번 ${digits(r, 3)}-${digits(r, 2)}-${digits(r, 5)}`,
  (r) => `scikit-learn, sk-learn-contrib-imbalanced-package, hf_hub_download(${r(99)})`,
  (r) => `my_snake_case_variable_${r(99)} = other_name_${r(99)} - ${r(9999)}`,
  (r) => `a ${r(999)} b ${r(999)} c ${r(999)} d ${r(9999)} e ${r(9999)} f ${r(9999)}`,
  (r) => `우편번호 ${digits(r, 5)}, 사번 ${digits(r, 6)}, 좌석 ${1 + r(40)}A`,
  (r) => `잔액은 ${digits(r, 6).replace(/^0/, "1")}원, 은행 점검은 ${1 + r(12)}월 ${1 + r(28)}일`,
  (r) =>
    `https://example.com/posts/20${two(r(26))}/${two(1 + r(12))}/${digits(r, 8)}?page=${r(50)}`,
  (r) => `passport.js v${r(2)}.${r(9)}.${r(9)} and license MIT-${2000 + r(26)}`,
  (r) => `timestamp ${digits(r, 10).replace(/^0/, "1")} build ${digits(r, 12)}`,
  (r) => `공일이 지나고 이틀 뒤 ${1 + r(9)}시, 영일만 여행 ${1 + r(5)}박`,
];

const perKind = 76;
const perTrap = 24;

export function corpus(): Line[] {
  const random = randomBy(20_260_401);
  const lines: Line[] = [];
  for (const [slot, templates] of Object.entries(sentences)) {
    const kind = slot === "phone_us" ? "phone" : slot;
    for (let n = 0; n < perKind; n++) {
      const value = values[slot]!(random);
      const template = templates[n % templates.length]!.replace("{name}", name(random));
      lines.push({ text: template.replace("{v}", () => value), expected: [{ kind, value }] });
    }
  }
  const spoken = [
    "공일공 일이삼사 오육칠팔",
    "공일공-구팔칠육-오사삼이",
    "영일영 이이삼삼 사사오오",
  ];
  for (const value of spoken) {
    lines.push({ text: `번호는 ${value} 입니다`, expected: [{ kind: "phone", value }] });
  }
  for (const trap of traps) {
    for (let n = 0; n < perTrap; n++) lines.push({ text: trap(random), expected: [] });
  }
  // Several of them in one line, as in a form.
  for (let n = 0; n < 40; n++) {
    const some = ["phone", "email", "card"].map((kind) => ({ kind, value: values[kind]!(random) }));
    const between = oneOf(random, [" / ", ", ", "\n", " | "]);
    lines.push({ text: some.map(({ value }) => value).join(between), expected: some });
  }
  return lines;
}

export interface Measure {
  kind: string;
  wanted: number;
  found: number;
  right: number;
  precision: number;
  recall: number;
}

/** What was found of a line: kind, and where. */
type Find = (text: string) => { kind: string; start: number; end: number }[];

/** How the recognisers do, kind by kind. Right is what has the kind and touches the value wholly. */
export function measure(lines: readonly Line[], find: Find): Measure[] {
  const sums = new Map(kinds.map((kind) => [kind as string, { wanted: 0, found: 0, right: 0 }]));
  for (const { text, expected } of lines) {
    for (const { kind } of expected) sums.get(kind)!.wanted++;
    for (const { kind, start, end } of find(text)) {
      sums.get(kind)!.found++;
      const said = text.slice(start, end);
      const isRight = expected.some((one) => one.kind === kind && said === one.value);
      if (isRight) sums.get(kind)!.right++;
    }
  }
  return [...sums].map(([kind, { wanted, found, right }]) => ({
    ...{ kind, wanted, found, right },
    precision: found === 0 ? 1 : right / found,
    recall: wanted === 0 ? 1 : right / wanted,
  }));
}
