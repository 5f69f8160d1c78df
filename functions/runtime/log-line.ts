const digitZero = 48;
const firstBytes = 4 * 1024;
/** Characters from which on Node's own copy, a call out of JavaScript, takes less time than a loop. */
const nativeFrom = 16;

/**
 * One line of ASCII, put together in memory that is used again. As a string a line would be some thirty pieces that are joined, unrolled
 * and copied, which took a third of what a call costs beyond its protocol.
 */
export class LogLine {
  bytes = Buffer.allocUnsafe(firstBytes);
  length = 0;

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** What is many bytes and the same for many lines. */
  block(block: Uint8Array): void {
    this.#reserve(block.length);
    const { bytes } = this;
    let at = this.length;
    for (let index = 0; index < block.length; index++) bytes[at++] = block[index] as number;
    this.length = at;
  }

  /** What is known to be printable ASCII. */
  ascii(text: string): void {
    this.#reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    if (text.length >= nativeFrom) this.length += bytes.write(text, at, 'latin1');
    else {
      for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
      this.length = at;
    }
  }

  /**
   * The inside of a JSON string, from outside.
   * @param escapeText makes ASCII of what has anything else than printable ASCII in it, or what JSON escapes
   */
  value(text: string, escapeText: (text: string) => string): void {
    this.#reserve(text.length);
    const { bytes, length } = this;
    let at = length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return this.ascii(escapeText(text));
      bytes[at++] = code;
    }
    this.length = at;
  }

  /** A whole number from 0 on. */
  number(number: number): void {
    if (number < 1000) {
      if (number < 10) {
        this.#reserve(1);
        this.bytes[this.length++] = digitZero + number;
        return;
      }
      if (number >= 100) return this.threeDigits(number);
    }
    this.ascii(String(number));
  }

  /** A whole number from 0 to 999, with its leading zeros. */
  threeDigits(number: number): void {
    this.#reserve(3);
    const { bytes, length } = this;
    const tens = (number / 10) | 0;
    const hundreds = (number / 100) | 0;
    bytes[length] = digitZero + hundreds;
    bytes[length + 1] = digitZero + tens - 10 * hundreds;
    bytes[length + 2] = digitZero + number - 10 * tens;
    this.length = length + 3;
  }
}
