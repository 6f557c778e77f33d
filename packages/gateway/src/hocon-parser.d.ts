// The parser comes without types; this is all of it that hocon.ts uses.
declare module '@pushcorn/hocon-parser' {
  const hocon: { parse(source: { readonly text: string; readonly strict: boolean }): Promise<unknown> };
  // biome-ignore lint/style/noDefaultExport: it is theirs.
  export default hocon;
}
