// HTTP headers as nginx keeps them: in order, names found in any spelling of case, several values
// for one name. Values are byte strings, which is how Node hands them over too.

export class Headers {
  private lines: [name: string, value: string][] = [];

  /** From Node's rawHeaders: name, value, name, value, ... */
  static fromRaw(raw: readonly string[]): Headers {
    const headers = new Headers();
    for (let at = 0; at < raw.length; at += 2) headers.add(raw[at]!, raw[at + 1]!);
    return headers;
  }

  /** The first value. */
  get(name: string): string | undefined {
    return this.lines.find(([known]) => same(known, name))?.[1];
  }

  /** All values of a name joined as one, or undefined. */
  joined(name: string): string | undefined {
    const values = this.all(name);
    return values.length > 0 ? values.join(", ") : undefined;
  }

  all(name: string): string[] {
    return this.lines.filter(([known]) => same(known, name)).map(([, value]) => value);
  }

  set(name: string, value: string | string[]): void {
    this.remove(name);
    for (const one of Array.isArray(value) ? value : [value]) this.add(name, one);
  }

  add(name: string, value: string): void {
    this.lines.push([name, value]);
  }

  remove(name: string): void {
    this.lines = this.lines.filter(([known]) => !same(known, name));
  }

  clone(): Headers {
    const copy = new Headers();
    copy.lines = this.lines.map(([name, value]) => [name, value]);
    return copy;
  }

  entries(): readonly (readonly [string, string])[] {
    return this.lines;
  }

  /** Name, value, name, value, ... as Node's raw headers. */
  toRaw(): string[] {
    return this.lines.flat();
  }

  /**
   * As ngx.req.get_headers answers: an array where a name has several values.
   * @param raw names as they were spelt, not in lower case
   */
  toTable(raw = false): Record<string, string | string[]> {
    const table = new Map<string, string | string[]>();
    for (const [name, value] of this.lines) {
      const key = raw ? name : name.toLowerCase();
      const known = table.get(key);
      table.set(key, known === undefined ? value : [known, value].flat());
    }
    return Object.fromEntries(table);
  }
}

function same(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase();
}
