/**
 * Container image references, by the grammar of the distribution project (`reference` package): an optional registry,
 * a path, then a tag, a digest or both. A reference with neither would mean "whatever is latest", so it is refused.
 */

const LONGEST_REFERENCE = 512;
const LONGEST_NAME = 255;

const HOST_LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
/** Whether it is an address is not the grammar's matter. */
const IPV6 = '\\[[A-Fa-f0-9:]+\\]';
const REGISTRY = `(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|${IPV6})(?::[0-9]+)?`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = `(?:${REGISTRY}/)?${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = 'sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}';
const REFERENCE = new RegExp(`^(?<name>${NAME})(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`);

/** Whether `text` names an image exactly enough to start a container of it: with a tag, a digest or both. */
export function isImageReference(text: string): boolean {
  // The length comes first: it also bounds how far the pattern can look back.
  if (text.length > LONGEST_REFERENCE) return false;
  const parts = REFERENCE.exec(text)?.groups;
  if (parts?.name === undefined || parts.name.length > LONGEST_NAME) return false;
  return parts.tag !== undefined || parts.digest !== undefined;
}
