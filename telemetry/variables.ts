// Reads OpenTelemetry's variables, and notes what is wrong with them: for the server that starts with them,
// and for who checks them before. Apart so that both find the same.

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with a variable. */
export interface Fault {
  variable: string;
  /** What stands behind its name in a sentence for the operator. Never a password of an endpoint. */
  message: string;
  /** The server does not start with it; else it takes what the message says. */
  isRefused: boolean;
}

export class Variables {
  readonly faults: Fault[] = [];

  constructor(private readonly environment: Environment) {}

  /** What is empty counts as not set. */
  text(variable: string): string | undefined {
    return this.environment[variable]?.trim() || undefined;
  }

  first(...variables: string[]): { variable: string; value: string } | undefined {
    for (const variable of variables) {
      const value = this.text(variable);
      if (value !== undefined) return { variable, value };
    }
    return undefined;
  }

  whole(variable: string, standard: number): number {
    const text = this.text(variable);
    const value = Number(text ?? standard);
    if (Number.isSafeInteger(value) && value > 0) return value;
    this.warn(variable, `is ${text}, which is no whole number above 0: ${standard} is taken`);
    return standard;
  }

  refuse(variable: string, message: string): void {
    this.note({ variable, message, isRefused: true });
  }

  warn(variable: string, message: string): void {
    this.note({ variable, message, isRefused: false });
  }

  // Both signals may have read one variable.
  private note(fault: Fault): void {
    const isKnown = this.faults.some(
      ({ variable, message }) => variable === fault.variable && message === fault.message,
    );
    if (!isKnown) this.faults.push(fault);
  }
}
