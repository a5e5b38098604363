import type { Field, FieldType } from '../../model/collection.ts';
import type { Shape } from './shape.ts';

const text: FieldType = { kind: 'text' };

/** The fields of a collection of the left side as the right side sees them. */
export function fieldsOutward(fields: readonly Field[], shape: Shape): readonly Field[] {
  return fields.flatMap((field): readonly Field[] => {
    const fate = shape.fields.get(field.name);
    if (!fate) return [field];
    if (fate.drop) return [];
    return [{ ...field, name: fate.to, type: fate.mask ? maskedType(field.type) : fate.below ? typeOutward(field.type, fate.below) : field.type }];
  });
}

/** The fields that the left side is to have, by how the right side has them. What does not come across is not among them. */
export function fieldsInward(fields: readonly Field[], shape: Shape): readonly Field[] {
  return fields.flatMap((field): readonly Field[] => {
    const name = shape.back.get(field.name) ?? field.name;
    const fate = shape.fields.get(name);
    if (!fate) return [field];
    if (fate.drop || fate.mask) return [];
    return [{ ...field, name, type: fate.below ? typeInward(field.type, fate.below) : field.type }];
  });
}

function typeOutward(type: FieldType, shape: Shape): FieldType {
  return mapped(type, (fields) => fieldsOutward(fields, shape));
}

function typeInward(type: FieldType, shape: Shape): FieldType {
  return mapped(type, (fields) => fieldsInward(fields, shape));
}

function mapped(type: FieldType, map: (fields: readonly Field[]) => readonly Field[]): FieldType {
  if (type.kind === 'list' || type.kind === 'set') return { ...type, of: mapped(type.of, map) };
  return type.kind === 'record' ? { ...type, fields: map(type.fields) } : type;
}

function maskedType(type: FieldType): FieldType {
  // Two values of a set may look alike when they are masked.
  if (type.kind === 'list' || type.kind === 'set') return { kind: 'list', of: maskedType(type.of) };
  return type.kind === 'json' ? type : text;
}
