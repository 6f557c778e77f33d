// A line of the shell in commands and words: `;` and line ends separate commands, quotes and backslashes keep together what belongs
// together, a word that begins with `#` begins a comment. Quotes around a word are not of it; those within one are, as arguments of an Execute
// have them: `0='now'`.
import { UsageError } from './command.ts';

/** Commands of one line, each as its words; empty ones are left out. Throws UsageError for a quote that does not end. */
export function parseLine(text: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let isWithin = false;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== undefined) {
      if (character === quote) {
        quote = undefined;
        if (isWithin) word += character;
      } else if (character === '\\' && quote === '"' && at + 1 < text.length) {
        at += 1;
        word += text.charAt(at);
      } else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      isWithin = word !== undefined;
      word = isWithin ? `${word}${character}` : '';
    } else if (character === '\\' && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else if (character === ';' || character === '\n') endCommand();
    else if (/\s/.test(character)) endWord();
    else if (character === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end - 1;
    } else word = (word ?? '') + character;
  }
  if (quote !== undefined) throw new UsageError(`a quote ${quote} is not closed`);
  endCommand();
  return commands;
}
