// MessagePack as Kong writes it (lua-messagepack 0.5 in its default mode): no str8, empty tables as
// arrays, raw bodies as bin. Our own, because a library that decodes strings as UTF-8 and
// writes str8 would show the plugin server bytes that no Kong sends. Checked byte for byte against
// the recordings of a Kong 3.9.3.

import { Handle, LuaError, type LuaValue } from "./lua-value";

/** A byte string that crosses as `bin` instead of `str`. */
export class Raw {
  constructor(readonly bytes: string) {}
}

/** An empty table that crosses as a map instead of an array. */
export const emptyMap = Symbol("an empty map");

export type Packable = LuaValue | Raw | typeof emptyMap | Packable[] | { [name: string]: Packable };

export function pack(value: Packable): Buffer {
  const writer = new Writer();
  writer.write(value);
  return writer.written();
}

/**
 * Reads one value from the start of a buffer.
 * @returns undefined while the buffer holds only a part of it
 * @throws LuaError on a type that Kong cannot read
 */
export function unpack(buffer: Buffer): { value: LuaValue; end: number } | undefined {
  const reader = new Reader(buffer);
  try {
    return { value: reader.read(), end: reader.at };
  } catch (error) {
    if (error === incomplete) return undefined;
    throw error;
  }
}

class Writer {
  private buffer = Buffer.allocUnsafe(256);
  private at = 0;

  written(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  write(value: Packable): void {
    if (value === undefined || value === null) this.byte(0xc0);
    else if (typeof value === "boolean") this.byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "string") this.string(value);
    else if (value instanceof Raw) this.raw(value.bytes);
    else if (value === emptyMap) this.byte(0x80);
    else if (Array.isArray(value)) this.array(value);
    else if (value instanceof Map) this.map([...value]);
    else if (value instanceof Handle) throw new LuaError("pack 'userdata' is unimplemented");
    else this.object(value as { [name: string]: Packable });
  }

  private object(value: { [name: string]: Packable }): void {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    if (members.length === 0) this.array([]);
    else this.map(members);
  }

  private array(items: Packable[]): void {
    this.head(items.length, 0x90, 0x0f, undefined, 0xdc, 0xdd);
    for (const item of items) this.write(item);
  }

  private map(members: [Packable, Packable][]): void {
    this.head(members.length, 0x80, 0x0f, undefined, 0xde, 0xdf);
    for (const [name, member] of members) {
      this.write(name);
      this.write(member);
    }
  }

  private string(bytes: string): void {
    this.head(bytes.length, 0xa0, 0x1f, undefined, 0xda, 0xdb);
    this.bytes(bytes);
  }

  private raw(bytes: string): void {
    this.head(bytes.length, undefined, 0, 0xc4, 0xc5, 0xc6);
    this.bytes(bytes);
  }

  private number(value: number): void {
    if (!Number.isInteger(value)) {
      this.byte(0xcb);
      this.at = this.reserve(8).writeDoubleBE(value, this.at);
    } else if (value >= 0) this.positive(value);
    else this.negative(value);
  }

  private positive(value: number): void {
    if (value <= 0x7f) this.byte(value);
    else if (value <= 0xff) this.sized(0xcc, 1, value);
    else if (value <= 0xffff) this.sized(0xcd, 2, value);
    else if (value <= 0xffffffff) this.sized(0xce, 4, value);
    else {
      this.byte(0xcf);
      this.at = this.reserve(8).writeBigUInt64BE(BigInt(value), this.at);
    }
  }

  private negative(value: number): void {
    if (value >= -0x20) this.byte(value & 0xff);
    else if (value >= -0x80) this.sized(0xd0, 1, value & 0xff);
    else if (value >= -0x8000) this.sized(0xd1, 2, value & 0xffff);
    else if (value >= -0x80000000) this.sized(0xd2, 4, value >>> 0);
    else {
      this.byte(0xd3);
      this.at = this.reserve(8).writeBigInt64BE(BigInt(value), this.at);
    }
  }

  private head(
    length: number,
    fix: number | undefined,
    fixMost: number,
    one: number | undefined,
    two: number,
    four: number,
  ): void {
    if (fix !== undefined && length <= fixMost) this.byte(fix | length);
    else if (one !== undefined && length <= 0xff) this.sized(one, 1, length);
    else if (length <= 0xffff) this.sized(two, 2, length);
    else this.sized(four, 4, length);
  }

  private sized(type: number, bytes: number, value: number): void {
    this.byte(type);
    this.at = this.reserve(bytes).writeUIntBE(value, this.at, bytes);
  }

  private byte(value: number): void {
    this.reserve(1)[this.at++] = value;
  }

  private bytes(text: string): void {
    this.at += this.reserve(text.length).write(text, this.at, "latin1");
  }

  private reserve(more: number): Buffer {
    if (this.at + more > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + more));
      this.buffer.copy(grown, 0, 0, this.at);
      this.buffer = grown;
    }
    return this.buffer;
  }
}

const incomplete = Symbol("the buffer ends within a value");

class Reader {
  at = 0;

  constructor(private readonly buffer: Buffer) {}

  read(): LuaValue {
    const type = this.uint(1);
    if (type <= 0x7f) return type;
    if (type <= 0x8f) return this.map(type & 0x0f);
    if (type <= 0x9f) return this.array(type & 0x0f);
    if (type <= 0xbf) return this.bytes(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.typed(type);
  }

  private typed(type: number): LuaValue {
    switch (type) {
      case 0xc0:
        return undefined;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.bytes(this.uint(1 << (type - 0xc4)));
      case 0xca:
        return this.buffer.readFloatBE(this.take(4));
      case 0xcb:
        return this.buffer.readDoubleBE(this.take(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.uint(1 << (type - 0xcc));
      case 0xcf:
        return Number(this.buffer.readBigUInt64BE(this.take(8)));
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const bytes = 1 << (type - 0xd0);
        return this.buffer.readIntBE(this.take(bytes), bytes);
      }
      case 0xd3:
        return Number(this.buffer.readBigInt64BE(this.take(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.bytes(this.uint(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.uint(type === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return this.map(this.uint(type === 0xde ? 2 : 4));
      default:
        throw new LuaError(`unpack '0x${type.toString(16)}' is unimplemented`);
    }
  }

  private array(length: number): LuaValue[] {
    const items: LuaValue[] = [];
    for (let index = 0; index < length; index++) items.push(this.read());
    return items;
  }

  private map(length: number): LuaValue {
    const members: [LuaValue, LuaValue][] = [];
    for (let index = 0; index < length; index++) members.push([this.read(), this.read()]);
    if (members.some(([name]) => typeof name !== "string")) return new Map(members);
    return Object.fromEntries(members as [string, LuaValue][]);
  }

  private bytes(length: number): string {
    const start = this.take(length);
    return this.buffer.toString("latin1", start, start + length);
  }

  private uint(bytes: number): number {
    return this.buffer.readUIntBE(this.take(bytes), bytes);
  }

  private take(bytes: number): number {
    if (this.at + bytes > this.buffer.length) throw incomplete;
    const start = this.at;
    this.at += bytes;
    return start;
  }
}
