import { refuseFields, type Violation } from '../runtime/refusal.ts';

/** Where a value is in the request, in proto names: ["record", "media", 0, "disc_grade"]. */
export type Path = Violation['path'];

/** Collects what is wrong with a request, so that a client learns of all of it at once. */
export class Faults {
  readonly violations: Violation[] = [];

  add(path: Path, reason: string, says: string): void {
    this.violations.push({ path, reason, says });
  }

  /** @throws Refusal INVALID_FIELDS where there is any. */
  refuse(): void {
    if (this.violations.length > 0) throw refuseFields(this.violations);
  }
}
