import type { Node } from 'libpg-query';

/** "records.records", of a table, view, index or sequence. */
export const relationName = (relation: { schemaname?: string; relname?: string } | undefined): string =>
  [relation?.schemaname, relation?.relname].filter(Boolean).join('.');

/** "records.grade", of a name in parts. */
export const dottedName = (parts: readonly Node[] | undefined): string =>
  (parts ?? []).map((part) => ('String' in part ? part.String.sval : '')).join('.');

/**
 * The name of what a DROP or RENAME is about. Of a function with the types of its arguments; of a policy or trigger with its table before it.
 */
export function objectName(object: Node | undefined): string {
  if (object === undefined) return '';
  if ('List' in object) return dottedName(object.List.items);
  if ('ObjectWithArgs' in object) {
    const { objname, objargs = [], args_unspecified } = object.ObjectWithArgs;
    return args_unspecified ? dottedName(objname) : signature(dottedName(objname), objargs);
  }
  if ('TypeName' in object) return dottedName(object.TypeName.names);
  if ('String' in object) return object.String.sval ?? '';
  return '';
}

/** "records.get_record(uuid,uuid,uuid)": a function of the same name with other arguments is another one. */
const signature = (name: string, types: readonly Node[]): string =>
  `${name}(${types.map((type) => ('TypeName' in type ? dottedName(type.TypeName.names) : '')).join(',')})`;

/** What a statement makes, by its name: none where it only replaces what may be there already. */
export function madeBy(node: Node): string[] {
  if ('CreateStmt' in node) return [relationName(node.CreateStmt.relation)];
  if ('CreateTableAsStmt' in node) return [relationName(node.CreateTableAsStmt.into?.rel)];
  if ('ViewStmt' in node && !node.ViewStmt.replace) return [relationName(node.ViewStmt.view)];
  if ('CreateSchemaStmt' in node) return [node.CreateSchemaStmt.schemaname ?? ''];
  if ('CreateEnumStmt' in node) return [dottedName(node.CreateEnumStmt.typeName)];
  if ('CreateDomainStmt' in node) return [dottedName(node.CreateDomainStmt.domainname)];
  if ('CompositeTypeStmt' in node) return [relationName(node.CompositeTypeStmt.typevar)];
  if ('CreateSeqStmt' in node) return [relationName(node.CreateSeqStmt.sequence)];
  if ('CreateFunctionStmt' in node && !node.CreateFunctionStmt.replace) {
    const { funcname, parameters = [] } = node.CreateFunctionStmt;
    const types = parameters.flatMap((node) => {
      const { argType, mode } = 'FunctionParameter' in node ? node.FunctionParameter : {};
      return argType === undefined || mode === 'FUNC_PARAM_OUT' || mode === 'FUNC_PARAM_TABLE' ? [] : [{ TypeName: argType }];
    });
    return [signature(dottedName(funcname), types)];
  }
  if ('IndexStmt' in node) {
    const { idxname, relation } = node.IndexStmt;
    return [[relation?.schemaname, idxname].filter(Boolean).join('.')];
  }
  if ('CreatePolicyStmt' in node) return [`${relationName(node.CreatePolicyStmt.table)}.${node.CreatePolicyStmt.policy_name}`];
  if ('CreateTrigStmt' in node) return [`${relationName(node.CreateTrigStmt.relation)}.${node.CreateTrigStmt.trigname}`];
  return [];
}
