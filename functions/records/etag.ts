/**
 * Which revisions an If-Match admits (RFC 9110, section 13.1.1): "*" or a list of entity tags, quoted as on HTTP or bare as in `etag`.
 * Tags are compared strongly, so a weak one (W/"3") matches nothing; neither does what was never an etag of ours.
 * @returns undefined where any revision will do
 */
export function parseIfMatch(text: string): readonly number[] | undefined {
  const condition = text.trim();
  if (condition === '' || condition === '*') return undefined;
  return condition
    .split(',')
    .map((tag) => /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(tag.trim()))
    .filter((match) => match !== null)
    .map((match) => Number(match[1] ?? match[2]));
}
