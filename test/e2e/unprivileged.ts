/** Words that make root obey the modes of files; nothing for anybody else. */
export function withoutRootsRights(): readonly string[] {
  return process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []
}
