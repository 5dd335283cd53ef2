import { useMemo, useState } from "preact/hooks";
import { countText } from "./amounts.ts";
import {
  type JSONBrackets,
  type JSONFault,
  type JSONMember,
  type JSONNode,
  readJSON,
} from "./json_reader.ts";
import { visible } from "./octet_text.ts";
import { Cover, SecretText } from "./secret_text.tsx";
import { isSecretName, textParts } from "./secrets.ts";

/** Levels that are open at first: what a body is about is seldom deeper. */
const OPEN_LEVELS = 2;

/** Entries of one object or array that are drawn at once; a browser gets slow with thousands. */
const STEP = 200;

/** Entries above which an object or array is closed at first. */
const MANY = 100;

export interface JSONTreeProps {
  readonly text: string;
  /** Whether it is all of the text; a part of one ends early, and that is no fault. */
  readonly isWhole: boolean;
}

/** A JSON text as a tree that folds, with what is wrong in it marked. */
export function JSONTree({ text, isWhole }: JSONTreeProps) {
  const { root, faults } = useMemo(() => readJSON(text), [text]);
  return (
    <>
      <Faults faults={isWhole ? faults : []} />
      <div class="json">
        <Value node={root} level={0} isSecret={false} />
      </div>
    </>
  );
}

function Faults({ faults }: { readonly faults: readonly JSONFault[] }) {
  if (faults.length === 0) return null;
  return (
    <div class="trouble">
      <p>This JSON has {countText(faults.length, "fault")}:</p>
      <ul>
        {faults.slice(0, 10).map(({ line, column, message }, index) => (
          <li key={index}>line {line}, column {column}: {message}</li>
        ))}
      </ul>
    </div>
  );
}

interface ValueProps {
  readonly node: JSONNode;
  readonly level: number;
  /** Whether the name of the value says that it is one for nobody's eyes. */
  readonly isSecret: boolean;
}

function Value({ node, level, isSecret }: ValueProps) {
  switch (node.kind) {
    case "object":
      return (
        <Branch entries={node.members} written={node} brackets="{}" noun="member" level={level} />
      );
    case "array":
      return (
        <Branch
          entries={node.items.map(itemOf)}
          written={node}
          brackets="[]"
          noun="item"
          level={level}
        />
      );
    case "string":
      return isSecret && node.value !== ""
        ? <Cover text={node.value} />
        : (
          <span class="json-string">
            "<SecretText parts={textParts(JSON.stringify(node.value).slice(1, -1))} />"
          </span>
        );
    case "wrong":
      return <Wrong text={node.text === "" ? "?" : visible(node.text)} why={node.message} />;
    default:
      return isSecret && node.text !== "null"
        ? <Cover text={node.text} />
        : <span class={`json-${node.kind}`}>{node.text}</span>;
  }
}

/** A member of an object, or an item, which has no name. */
type Entry = Pick<JSONMember, "value" | "wrong"> & { readonly key: string | null };

function itemOf(value: JSONNode): Entry {
  return { key: null, value, wrong: null };
}

interface BranchProps {
  readonly entries: readonly Entry[];
  readonly written: JSONBrackets;
  readonly brackets: "{}" | "[]";
  readonly noun: string;
  readonly level: number;
}

function Branch({ entries, written, brackets, noun, level }: BranchProps) {
  const [isOpen, setIsOpen] = useState(level < OPEN_LEVELS && entries.length <= MANY);
  const [shown, setShown] = useState(STEP);
  const [open, close] = brackets;
  const end = written.isClosed ? close : <Wrong text={close} why="this bracket is missing" />;
  if (entries.length === 0) return <span>{open}{end}</span>;
  return (
    <>
      <button type="button" class="fold" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {open}
        {!isOpen && <span class="quiet">{` ${countText(entries.length, noun)} `}</span>}
        {!isOpen && end}
      </button>
      {isOpen && (
        <>
          <ul>
            {entries.slice(0, shown).map((entry, index) => (
              <li key={index}>
                {entry.key !== null && (
                  <>
                    <Name name={entry.key} wrong={entry.wrong} />
                    {": "}
                  </>
                )}
                <Value
                  node={entry.value}
                  level={level + 1}
                  isSecret={entry.key !== null && isSecretName(entry.key)}
                />
                {written.wrongCommas.has(index)
                  ? <Wrong text="," why="a comma is missing here, or is one too many" />
                  : index < entries.length - 1 && ","}
              </li>
            ))}
          </ul>
          {shown < entries.length && (
            <button type="button" onClick={() => setShown(shown + STEP)}>
              {countText(entries.length - shown, noun)} more
            </button>
          )}
          {end}
        </>
      )}
    </>
  );
}

function Name({ name, wrong }: { readonly name: string; readonly wrong: string | null }) {
  const text = JSON.stringify(visible(name));
  if (wrong === null) return <span class="json-name">{text}</span>;
  return <Wrong text={text} why={wrong} />;
}

/** What is wrong in the text, or missing; the list of faults says the same in words. */
function Wrong({ text, why }: { readonly text: string | undefined; readonly why: string }) {
  return <mark class="json-wrong" title={why}>{text}</mark>;
}
