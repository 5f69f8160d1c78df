import type { AlterTableCmd, ColumnDef, Constraint, Node } from 'libpg-query';
import { dottedName, objectName, relationName } from './names.ts';

/** What is wrong with a statement while the release before still runs, and what to do instead. */
export interface Hazard {
  /** The note by which its author answers for it: `contract` the release before needs what goes, `locks` traffic waits, `unseen` nobody can tell. */
  readonly kind: 'contract' | 'locks' | 'unseen';
  readonly what: string;
  readonly instead: string;
}

/** What is known where a statement stands. */
export interface Known {
  /** Whether an earlier statement of the same migration made it: nobody uses that yet. */
  isNew(name: string): boolean;
  /** Whether a validated CHECK (column is not null) stands on the table: then SET NOT NULL reads no row. */
  isCheckedNotNull(table: string, column: string): boolean;
  /** Whether this very migration added that constraint without validating it. */
  isAddedHere(table: string, constraint: string): boolean;
}

const contract = (what: string, instead: string): Hazard => ({ kind: 'contract', what, instead });
const locks = (what: string, instead: string): Hazard => ({ kind: 'locks', what, instead });
const unseen = (what: string, instead: string): Hazard => ({ kind: 'unseen', what, instead });

const later = 'let this release stop using it, and take it away in a migration of a later one';

/** Statements that add, or say something about what is there, and hold no lock that a call would wait for. */
const harmless = new Set([
  'CommentStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CompositeTypeStmt',
  'CreateFunctionStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
  'AlterDefaultPrivilegesStmt',
  'InsertStmt',
]);

/**
 * What a statement would do to calls of the release before, which runs on while it is applied and after. What isn't known to be harmless is
 * a hazard: a new kind of statement is looked at before it is allowed.
 */
export function hazardsOf(node: Node, known: Known): Hazard[] {
  const [kind = ''] = Object.keys(node);
  if (harmless.has(kind)) return [];
  if ('AlterTableStmt' in node) return alterTable(node.AlterTableStmt, known);
  if ('CreateStmt' in node) {
    const parent = node.CreateStmt.partbound ? relationName((node.CreateStmt.inhRelations?.[0] as { RangeVar: object })?.RangeVar) : '';
    return parent === '' || known.isNew(parent)
      ? []
      : [
          locks(
            `a partition made in place locks ${parent}`,
            'create the table by itself, with the partition bound as a CHECK, and attach it',
          ),
        ];
  }
  if ('ViewStmt' in node) {
    const name = relationName(node.ViewStmt.view);
    // Seen in db/rehearsal.test.ts: of 471 calls while a column was added, 5 failed.
    return node.ViewStmt.replace && !known.isNew(name)
      ? [contract(`calls that are just returning rows of ${name} fail`, 'a new view beside it, and new functions that return its rows')]
      : [];
  }
  if ('IndexStmt' in node) {
    const { relation, concurrent, unique, idxname } = node.IndexStmt;
    const table = relationName(relation);
    if (known.isNew(table)) return [];
    const narrowed = unique ? [contract(`${idxname} refuses rows that the release before may write`, later)] : [];
    // "on only": of a partitioned table's index the entry alone, which is filled by attaching the partitions' own.
    if (concurrent || relation?.inh !== true) return narrowed;
    return [
      ...narrowed,
      locks(
        `writes to ${table} wait until ${idxname} is built`,
        'create index concurrently, in a migration that begins with "-- without transaction"; on a partitioned table: on only the table, concurrently on each partition, and attach',
      ),
    ];
  }
  if ('DropStmt' in node) {
    const { objects = [], removeType = '' } = node.DropStmt;
    const names = objects.map(objectName).filter((name) => !known.isNew(name));
    return names.map((name) => contract(`${removeType.replace('OBJECT_', '').toLowerCase()} ${name} is dropped`, later));
  }
  if ('RenameStmt' in node) {
    const { renameType = '', relation, object, subname, newname } = node.RenameStmt;
    const name = relation ? relationName(relation) : objectName(object);
    // Nobody calls an index by its name.
    if (renameType === 'OBJECT_INDEX' || known.isNew(name)) return [];
    return [
      contract(
        `${[name, subname].filter(Boolean).join('.')} becomes ${newname}`,
        'add the new one beside it, and keep both until nobody uses the old one',
      ),
    ];
  }
  if ('AlterEnumStmt' in node) {
    const { typeName, oldVal } = node.AlterEnumStmt;
    return oldVal === undefined ? [] : [contract(`value ${oldVal} of ${dottedName(typeName)} is renamed`, 'add a value')];
  }
  if ('GrantStmt' in node) return node.GrantStmt.is_grant ? [] : [contract('a right is taken away', later)];
  if ('VariableSetStmt' in node) {
    const { name = '', is_local } = node.VariableSetStmt;
    if (!is_local) return [unseen(`${name} is set for all migrations after this one too`, 'set local')];
    return /timeout/.test(name) ? [locks(`${name} is changed: it is what keeps calls from waiting`, 'smaller steps')] : [];
  }
  if ('UpdateStmt' in node) {
    const table = relationName(node.UpdateStmt.relation);
    return known.isNew(table)
      ? []
      : [
          locks(
            `calls wait for the rows of ${table} that it changes, until the whole migration ends`,
            'change them in batches, outside of a migration',
          ),
        ];
  }
  if ('DeleteStmt' in node || 'TruncateStmt' in node) {
    const tables =
      'DeleteStmt' in node
        ? [relationName(node.DeleteStmt.relation)]
        : (node.TruncateStmt.relations ?? []).map((table) => ('RangeVar' in table ? relationName(table.RangeVar) : ''));
    return tables.filter((table) => !known.isNew(table)).map((table) => contract(`rows of ${table} are removed`, later));
  }
  if ('TransactionStmt' in node) return [unseen('it ends its own transaction', 'take it out: each migration is one')];
  if ('DoStmt' in node) return [unseen('what a DO block runs is not looked into', 'write the statements themselves')];
  if ('SelectStmt' in node) return [unseen('a function that is called may do anything', 'write the statements themselves')];
  return [unseen(`${kind.replace(/Stmt$/, '')} is not known to be harmless`, 'another way, or a rule in scripts/db/safety/rules.ts')];
}

function alterTable(statement: { relation?: object; cmds?: readonly Node[]; objtype?: string }, known: Known): Hazard[] {
  const table = relationName(statement.relation);
  if (known.isNew(table)) return [];
  return (statement.cmds ?? []).flatMap((node) => {
    const command = 'AlterTableCmd' in node ? node.AlterTableCmd : ({} as AlterTableCmd);
    if (statement.objtype === 'OBJECT_INDEX')
      return command.subtype === 'AT_AttachPartition' ? [] : [contract(`index ${table} is changed`, later)];
    if (statement.objtype === 'OBJECT_TYPE')
      return [contract(`what answers with ${table} answers otherwise: statements that clients have prepared fail`, 'a new type beside it')];
    return alterCommand(table, command, known);
  });
}

/** Settings of a table that change nothing which a call sees. */
const settings = new Set([
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_DropNotNull',
]);

function alterCommand(table: string, command: AlterTableCmd, known: Known): Hazard[] {
  const { subtype = '', name = '', def } = command;
  const column = `${table}.${name}`;
  if (settings.has(subtype)) return [];
  if (subtype === 'AT_AddColumn' && def && 'ColumnDef' in def) return addColumn(table, def.ColumnDef);
  if (subtype === 'AT_AddConstraint' && def && 'Constraint' in def) return addConstraint(table, def.Constraint);
  if (subtype === 'AT_DropColumn') return [contract(`${column} is dropped`, later)];
  if (subtype === 'AT_AlterColumnType')
    return [
      contract(
        `${column} gets another type, and every row is written anew under a lock`,
        'add a column of the new type, fill it in batches, and let this release use it',
      ),
    ];
  if (subtype === 'AT_SetNotNull') {
    const narrowed = contract(`${column} refuses nulls that the release before may write`, later);
    return known.isCheckedNotNull(table, name)
      ? [narrowed]
      : [
          narrowed,
          locks(
            `every row of ${table} is read under a lock`,
            `first check (${name} is not null) not valid, validate it in the next migration, and then set not null`,
          ),
        ];
  }
  if (subtype === 'AT_ColumnDefault')
    return def === undefined
      ? [contract(`${column} has no default any more, on which inserts of the release before may count`, later)]
      : [];
  if (subtype === 'AT_ValidateConstraint')
    return known.isAddedHere(table, name)
      ? [locks(`${name} is validated under the lock that adding it took`, 'validate it in a migration of its own')]
      : [];
  if (subtype === 'AT_AttachPartition')
    return def && 'PartitionCmd' in def && known.isNew(relationName(def.PartitionCmd.name))
      ? []
      : [locks(`the rows of the partition are read under a lock`, 'give it the bound as a validated CHECK before')];
  if (subtype === 'AT_DropConstraint') return [contract(`${name} of ${table} is dropped: "on conflict" may name its key`, later)];
  return [contract(`${subtype.replace('AT_', '')} of ${table} is not known to leave calls of the release before alone`, later)];
}

function addColumn(table: string, { colname, constraints = [], typeName }: ColumnDef): Hazard[] {
  const column = `${table}.${colname}`;
  const all = constraints.flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
  const of = (kind: string): Constraint | undefined => all.find(({ contype }) => contype === kind);
  const hazards: Hazard[] = [];
  const rewritten = 'add it without, fill it in batches, and let a trigger or the release fill it meanwhile';
  if (of('CONSTR_NOTNULL') && !of('CONSTR_DEFAULT') && !of('CONSTR_GENERATED') && !of('CONSTR_IDENTITY'))
    hazards.push(contract(`${column} must be given, and the release before does not give it`, 'give it a default, or let it be null'));
  if (of('CONSTR_GENERATED')) hazards.push(locks(`every row of ${table} is written anew under a lock to compute ${column}`, rewritten));
  const serial = /^(big|small)?serial$/.test(dottedName(typeName?.names));
  if (of('CONSTR_IDENTITY') || serial) hazards.push(locks(`every row of ${table} is written anew under a lock to number it`, rewritten));
  const given = of('CONSTR_DEFAULT')?.raw_expr;
  if (given && !isConstant(given))
    hazards.push(
      locks(
        `${column} may get another default for each row, which writes all of them anew under a lock`,
        'a constant default, and set the other one afterwards',
      ),
    );
  if (of('CONSTR_UNIQUE') || of('CONSTR_PRIMARY'))
    hazards.push(locks(`the index of ${column} is built under a lock`, 'create unique index concurrently'));
  if (of('CONSTR_CHECK'))
    hazards.push(
      locks(
        `the rows of ${table} are read under a lock to check ${column}`,
        'add constraint … not valid, and validate it in the next migration',
      ),
    );
  if (of('CONSTR_FOREIGN'))
    hazards.push(
      locks(
        `the rows of ${table} are read under a lock for the foreign key of ${column}`,
        'add constraint … not valid, and validate it in the next migration',
      ),
    );
  return hazards;
}

/** A literal, also a cast one or a negative one; current times are the same for all rows of a statement. */
function isConstant(expression: Node): boolean {
  if ('A_Const' in expression || 'SQLValueFunction' in expression) return true;
  if ('TypeCast' in expression) return expression.TypeCast.arg !== undefined && isConstant(expression.TypeCast.arg);
  if ('A_ArrayExpr' in expression) return (expression.A_ArrayExpr.elements ?? []).every(isConstant);
  if ('A_Expr' in expression)
    return expression.A_Expr.lexpr === undefined && expression.A_Expr.rexpr !== undefined && isConstant(expression.A_Expr.rexpr);
  return 'FuncCall' in expression && ['now', 'pg_catalog.now', 'transaction_timestamp'].includes(dottedName(expression.FuncCall.funcname));
}

function addConstraint(table: string, { contype, conname = '', skip_validation, indexname }: Constraint): Hazard[] {
  const narrowed = contract(
    `${conname || 'a constraint'} on ${table} refuses rows that the release before may write`,
    'let this release write such rows no more, and add it in a later one',
  );
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN')
    return skip_validation
      ? [narrowed]
      : [narrowed, locks(`the rows of ${table} are read under a lock`, 'add it not valid, and validate it in the next migration')];
  return indexname
    ? [narrowed]
    : [
        narrowed,
        locks(
          `the index of ${conname || 'the constraint'} is built under a lock`,
          'create unique index concurrently, and add constraint … using index',
        ),
      ];
}
