const LONGEST = 1_000;

/**
 * Text of others as all that we hand it to can take it: well-formed Unicode (Temporal's worker ends itself over a lone
 * surrogate), without NUL (Postgres), and of at most 1,000 UTF-16 units. What cannot be kept becomes U+FFFD.
 */
export function storableText(text: string, longest = LONGEST): string {
  return text
    .slice(0, longest)
    .replaceAll('\0', '\ufffd')
    .replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Whether the text can be kept as it is. */
export function isStorableText(text: string): boolean {
  return storableText(text, Infinity) === text;
}
