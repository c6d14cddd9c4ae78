// The driver's side for a bench, in a process of its own and as cheap as can be: questions and outcomes
// are made once, and only the id of the request changes in them.

import { connect, type Socket } from "node:net";
import { batch, record } from "../test/support/outcome-batch";

/** What one request of a bench is, and how it ends. */
export interface DriverLoad {
  /** Of the plugin server: questions go to the socket beside it. */
  socket: string;
  outcomesSocket: string;
  config: string;
  /** JSON of the body. */
  body: string;
  /** Every body is another one: nothing is found in the cache. */
  distinct: boolean;
  /** How it ends, for those that go upstream. */
  answer?: { contentType: string; body: string; bytes: number; truncated: boolean };
  /** Connections that each have one question open. */
  connections: number;
  /** How many consumers ask in turn, each for ten end users; by default one, for none. */
  consumers?: number;
  /** Outcomes that a batch has. */
  together: number;
  version: string;
}

/** What the generator is told: ask so many requests, or deliver the outcomes of those. */
export type Order = { load: DriverLoad } | { ask: number } | { deliver: true };
/** How many it did. */
export type Done = { done: number } | { error: string };

const idLength = 32;
const requestId = (serial: number) => serial.toString(16).padStart(idLength, "0");
const placeholder = "#".repeat(idLength);
/** Of a consumer and of an end user: the places of their numbers, of as many digits. */
const consumerPlace = "@@@@";
const userPlace = "~~~~~";

let load: DriverLoad;
let sockets: Socket[] = [];
let outcomes: Socket | undefined;
let serial = 0;
let tickets: { id: string; ticket: Buffer }[] = [];

process.on("message", (order: Order) => {
  carryOut(order).then(
    (done) => process.send?.({ done }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

async function carryOut(order: Order): Promise<number> {
  if ("load" in order) {
    for (const socket of [...sockets, outcomes]) socket?.destroy();
    load = order.load;
    const all = Array.from({ length: load.connections }, () => opened(`${load.socket}.ask`));
    sockets = await Promise.all(all);
    outcomes = await opened(load.outcomesSocket);
    serial = 1;
    tickets = [];
    await tellConfig(sockets[0]!);
    return 0;
  }
  return "ask" in order ? ask(order.ask) : deliver();
}

function opened(path: string): Promise<Socket> {
  return new Promise((connected, failed) => {
    const socket = connect(path, () => connected(socket));
    socket.once("error", failed);
  });
}

async function tellConfig(socket: Socket): Promise<void> {
  const about = { plugin: "llm-gateway", version: load.version, id: "bench" };
  const answer = await exchange(socket, frame("C", [JSON.stringify(about), load.config]));
  if (answer.kind !== "N") throw new Error(`the config is refused: ${answer.sections[0]}`);
}

async function ask(count: number): Promise<number> {
  let left = count;
  const question = questionFrame();
  const one = async (socket: Socket) => {
    const mine = Buffer.from(question.bytes);
    while (left-- > 0) {
      const id = requestId(serial++);
      for (const at of question.ids) mine.write(id, at, "latin1");
      const user = serial % ((load.consumers ?? 1) * 10);
      for (const at of question.users) mine.write(numbered(user, userPlace), at, "latin1");
      const consumer = numbered(Math.floor(user / 10), consumerPlace);
      for (const at of question.consumers) mine.write(consumer, at, "latin1");
      const { kind, sections } = await exchange(socket, mine);
      const isDecision = kind === "D";
      if (isDecision !== (load.answer !== undefined) || !["D", "A"].includes(kind)) {
        throw new Error(`answered ${kind}: ${sections.join(" ").slice(0, 500)}`);
      }
      if (isDecision) tickets.push({ id, ticket: Buffer.from(sections[2]!) });
    }
  };
  await Promise.all(sockets.map(one));
  return count;
}

function numbered(number: number, place: string): string {
  return `${number}`.padStart(place.length, "0");
}

/** A question, and where in it the id of the request and the numbers of who asks stand. */
function questionFrame(): { bytes: Buffer; ids: number[]; consumers: number[]; users: number[] } {
  const consumer = {
    id: `4c717586-26c4-5db0-b247-69508888${consumerPlace}`,
    username: `app-${consumerPlace}`,
    tags: ["team-a", "gold"],
  };
  const asker = load.consumers === undefined ? "" : `"user":"user-${userPlace}",`;
  const told = `{${asker}${load.body.slice(1)}`;
  const content = load.distinct ? told.replace("00000000", placeholder) : told;
  const request = {
    method: "POST",
    path: "/v1/chat/completions",
    upstream_path: "/v1/chat/completions",
    content_type: "application/json",
    client_ip: "127.0.0.1",
    route: "chat-completion-route",
    service: "llm-upstream",
    bytes: Buffer.byteLength(content),
  };
  const asked = JSON.stringify({ request, consumer, config: "bench" });
  const bytes = frame("Q", [JSON.stringify({ id: placeholder }), asked, "", "", content]);
  return {
    bytes,
    ids: placesOf(placeholder, bytes),
    consumers: placesOf(consumerPlace, bytes),
    users: placesOf(userPlace, bytes),
  };
}

function placesOf(text: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) {
    places.push(at);
  }
  return places;
}

async function deliver(): Promise<number> {
  const { answer } = load;
  const flags = answer?.truncated ? "ctp" : "cp";
  const ended = tickets;
  tickets = [];
  if (!answer || !outcomes) return 0;
  const body = Buffer.from(answer.body);
  for (let at = 0; at < ended.length; at += load.together) {
    const now = `${Date.now()}`;
    const records = ended.slice(at, at + load.together).map(({ id, ticket }) =>
      record({
        ...{ 1: ticket, 2: "200", 3: "service", 4: answer.contentType, 6: body, 7: flags, 8: now },
        ...{ 9: now, 10: now, 11: id, 12: "chat-completion-route", 14: `${answer.bytes}` },
      }),
    );
    await acknowledged(outcomes, batch(...records));
  }
  return ended.length;
}

function acknowledged(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((taken, failed) => {
    const closed = () => failed(new Error("a batch was refused"));
    socket.once("close", closed);
    socket.once("data", () => {
      socket.off("close", closed);
      taken();
    });
    socket.write(bytes);
  });
}

interface Frame {
  kind: string;
  sections: Buffer[];
}

/** Sends a frame and reads one; "W" is none yet. */
function exchange(socket: Socket, bytes: Buffer): Promise<Frame> {
  return new Promise((answered, failed) => {
    let held: Buffer | undefined;
    const closed = () => failed(new Error("the connection was closed"));
    const read = (chunk: Buffer) => {
      held = held ? Buffer.concat([held, chunk]) : chunk;
      while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
        const end = 4 + held.readUInt32BE(0);
        const found = frameIn(held.subarray(4, end));
        held = held.subarray(end);
        if (found.kind === "W") continue;
        socket.off("data", read);
        socket.off("close", closed);
        answered(found);
        return;
      }
    };
    socket.on("data", read);
    socket.on("close", closed);
    socket.write(bytes);
  });
}

function frameIn(bytes: Buffer): Frame {
  const sections: Buffer[] = [];
  for (let at = 1; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    sections.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { kind: String.fromCharCode(bytes[0]!), sections };
}

function frame(kind: string, sections: string[]): Buffer {
  const parts = sections.flatMap((section) => {
    const bytes = Buffer.from(section);
    return [lengthOf(bytes.length), bytes];
  });
  const payload = Buffer.concat([Buffer.from(kind), ...parts]);
  return Buffer.concat([lengthOf(payload.length), payload]);
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
