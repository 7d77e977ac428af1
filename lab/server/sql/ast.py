"""The syntax tree of a batch: plain, frozen records that the parser makes and the engine walks with `match`.

Conventions:
- Every node knows the 1-based `line` of the batch on which it starts; lines do not take part in comparison.
- Names keep the case in which they were written, without brackets or quotes. Variable names keep their `@`.
- Keywords and function names that a node stores as text are in upper case.
- A list is a tuple. `None` is "not written"; a written NULL is `Literal(None)`.
- Conditions (WHERE, ON, IF, WHEN) are the `Condition` nodes, values are the `Expression` nodes; T-SQL never mixes them.

Written differently than T-SQL says it, so that the engine needs nothing for them:
- CAST is `Convert`; COALESCE and NULLIF are the `Case` that they are documented to be. ISNULL is a `FunctionCall`.
- The date part of DATEADD and DATEDIFF is a `Literal` with its full name: `mi` becomes 'minute'.
- A PRIMARY KEY or UNIQUE of a column is one of the table's `keys`. `FROM a, b` is a CROSS join.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.server.types import SqlType


@dataclass(frozen=True, kw_only=True)
class Node:
    """What every node has. There is no deeper inheritance than this."""

    line: int = field(default=0, compare=False)
    span: tuple[int, int] = field(default=(0, 0), compare=False, repr=False)
    """Of statements: where the text of the batch has it, from the first character to behind the last."""


# Names and types


@dataclass(frozen=True)
class ObjectName(Node):
    """One to three parts, the object last; an empty part was left out (`db..t`)."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class TypeName(Node):
    """A type as written. `builtin` is what it means, or None for an alias type, which the engine must look up."""

    parts: tuple[str, ...]
    builtin: SqlType | None = None

    def __str__(self) -> str:
        return ".".join(self.parts)


# Expressions


@dataclass(frozen=True)
class Literal(Node):
    """An int, bigint (in CONVERT and CAST only), varchar(n), nvarchar(n) or varbinary(n); NULL has type None."""

    value: int | str | bytes | None
    type: SqlType | None = None


@dataclass(frozen=True)
class ColumnRef(Node):
    """A column: name, or table.name, schema.table.name, database.schema.table.name."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Variable(Node):
    """A variable or parameter that the batch or procedure declares (also one that is called `@@something`)."""

    name: str


@dataclass(frozen=True)
class SystemVariable(Node):
    """One of `sql.system_variables.SUPPORTED`, such as @@ROWCOUNT; the name is in upper case."""

    name: str


@dataclass(frozen=True)
class Unary(Node):
    """`-`, `+` or `~` before a value."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Node):
    """`+ - * / % & | ^` between two values."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class FunctionCall(Node):
    """A built-in function; the parser does not know which exist, nor how many arguments they take."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Aggregate(Node):
    """COUNT, COUNT_BIG, SUM, MIN, MAX or AVG; the argument of COUNT(*) is None."""

    name: str
    argument: Expression | None
    distinct: bool = False


@dataclass(frozen=True)
class Convert(Node):
    """CONVERT(type, value[, style]) or CAST(value AS type)."""

    type: TypeName
    value: Expression
    style: Expression | None = None


@dataclass(frozen=True)
class When(Node):
    """One branch of a CASE: `test` is a value in the simple form, a condition in the searched form."""

    test: Expression | Condition
    result: Expression


@dataclass(frozen=True)
class Case(Node):
    """Searched if `operand` is None. No ELSE means NULL."""

    operand: Expression | None
    branches: tuple[When, ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class Subquery(Node):
    """A query in parentheses that gives one value."""

    query: Query


Expression = (
    Literal
    | ColumnRef
    | Variable
    | SystemVariable
    | Unary
    | Binary
    | FunctionCall
    | Aggregate
    | Convert
    | Case
    | Subquery
)


# Conditions


@dataclass(frozen=True)
class And(Node):
    left: Condition
    right: Condition


@dataclass(frozen=True)
class Or(Node):
    left: Condition
    right: Condition


@dataclass(frozen=True)
class Not(Node):
    operand: Condition


@dataclass(frozen=True)
class Comparison(Node):
    """The operator is one of `= <> < <= > >=` (`!=`, `!<` and `!>` are written as these)."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Between(Node):
    value: Expression
    low: Expression
    high: Expression
    negated: bool = False


@dataclass(frozen=True)
class InList(Node):
    value: Expression
    items: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True)
class InQuery(Node):
    value: Expression
    query: Query
    negated: bool = False


@dataclass(frozen=True)
class Like(Node):
    value: Expression
    pattern: Expression
    escape: Expression | None = None
    negated: bool = False


@dataclass(frozen=True)
class IsNull(Node):
    value: Expression
    negated: bool = False


@dataclass(frozen=True)
class Exists(Node):
    query: Query


Condition = And | Or | Not | Comparison | Between | InList | InQuery | Like | IsNull | Exists


# Queries


@dataclass(frozen=True)
class TableName(Node):
    """A table or view in FROM, or the target of a change; the hints are names from `sql.hints`."""

    name: ObjectName
    alias: str | None = None
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class DerivedTable(Node):
    """(query) AS alias [(columns)]; no columns written is an empty tuple."""

    query: Query
    alias: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Join(Node):
    """`kind` is INNER, LEFT or CROSS; a CROSS join has no condition."""

    kind: str
    left: Source
    right: Source
    condition: Condition | None


Source = TableName | DerivedTable | Join


@dataclass(frozen=True)
class Star(Node):
    """`*` or `qualifier.*`."""

    qualifier: tuple[str, ...] = ()


@dataclass(frozen=True)
class SelectItem(Node):
    value: Expression
    alias: str | None = None


@dataclass(frozen=True)
class SelectAssignment(Node):
    """`@v = value` in a select list; `operator` is `=`, or `+` for `+=` and so on."""

    variable: str
    operator: str
    value: Expression


@dataclass(frozen=True)
class OrderItem(Node):
    value: Expression
    descending: bool = False


@dataclass(frozen=True)
class Select(Node):
    """One SELECT. Either all items are `SelectAssignment` or none is (141 otherwise, from the parser)."""

    items: tuple[Star | SelectItem | SelectAssignment, ...]
    source: Source | None = None
    where: Condition | None = None
    group_by: tuple[Expression, ...] = ()
    having: Condition | None = None
    order_by: tuple[OrderItem, ...] = ()
    distinct: bool = False
    top: Expression | None = None


@dataclass(frozen=True)
class Union(Node):
    """left UNION [ALL] right; chains lean to the left. ORDER BY sorts the whole and is never in left or right."""

    left: Query
    right: Query
    all: bool
    order_by: tuple[OrderItem, ...] = ()


Query = Select | Union
"""As a statement, a Select or Union returns its rows or assigns its variables."""


# Changes of data


@dataclass(frozen=True)
class DefaultValue(Node):
    """The word DEFAULT in VALUES or after `column =`."""


@dataclass(frozen=True)
class Values(Node):
    rows: tuple[tuple[Expression | DefaultValue, ...], ...]


@dataclass(frozen=True)
class Insert(Node):
    """No column list written is None."""

    table: TableName
    columns: tuple[str, ...] | None
    source: Values | Query | ExecuteProcedure
    top: Expression | None = None


@dataclass(frozen=True)
class Assignment(Node):
    """One item of UPDATE's SET: `col = value`, `@v = value` (no column), or `@v = col = value` (both).

    `operator` is `=`, or `+` for `+=` and so on.
    """

    variable: str | None
    column: str | None
    operator: str
    value: Expression | DefaultValue


@dataclass(frozen=True)
class Update(Node):
    table: TableName
    assignments: tuple[Assignment, ...]
    where: Condition | None = None
    top: Expression | None = None


@dataclass(frozen=True)
class Delete(Node):
    table: TableName
    where: Condition | None = None
    top: Expression | None = None


# Variables and options


@dataclass(frozen=True)
class Declaration(Node):
    name: str
    type: TypeName
    value: Expression | None = None


@dataclass(frozen=True)
class Declare(Node):
    """Assigns the values written; the variables exist from the start (`variables` of Batch and CreateProcedure)."""

    declarations: tuple[Declaration, ...]


@dataclass(frozen=True)
class SetVariable(Node):
    """`operator` is `=`, or `+` for `+=` and so on."""

    variable: str
    operator: str
    value: Expression


@dataclass(frozen=True)
class SetOption(Node):
    """SET name value, with one of the values that `sql.set_options` allows.

    ON and OFF are True and False. TEXTSIZE and LOCK_TIMEOUT (milliseconds, -1 forever) are ints, DEADLOCK_PRIORITY is
    an int from -10 to 10. TRANSACTION ISOLATION LEVEL, DATEFORMAT and LANGUAGE are upper-case text.
    """

    name: str
    value: bool | int | str


# Control flow


@dataclass(frozen=True)
class Block(Node):
    """BEGIN ... END."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class If(Node):
    condition: Condition
    then: Statement
    otherwise: Statement | None = None


@dataclass(frozen=True)
class While(Node):
    condition: Condition
    body: Statement


@dataclass(frozen=True)
class Break(Node):
    """The parser has seen to it that this stands in a WHILE (135 otherwise)."""


@dataclass(frozen=True)
class Continue(Node):
    """The parser has seen to it that this stands in a WHILE (136 otherwise)."""


@dataclass(frozen=True)
class Label(Node):
    """A place to go to; it does nothing."""

    name: str


@dataclass(frozen=True)
class Goto(Node):
    """The label exists in the same batch or procedure (133 otherwise), in any block; compare without case."""

    label: str


@dataclass(frozen=True)
class TryCatch(Node):
    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True)
class Throw(Node):
    """Bare (raise again what was caught) if the three are None; otherwise they are literals or variables."""

    number: Expression | None = None
    message: Expression | None = None
    state: Expression | None = None


@dataclass(frozen=True)
class RaiseError(Node):
    """RAISERROR(message, severity, state[, arguments]) [WITH options]; options are LOG, NOWAIT and SETERROR."""

    message: Expression
    severity: Expression
    state: Expression
    arguments: tuple[Expression, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Print(Node):
    value: Expression


@dataclass(frozen=True)
class Return(Node):
    value: Expression | None = None


@dataclass(frozen=True)
class WaitForDelay(Node):
    """WAITFOR DELAY; the value is 'hh:mm:ss[.mmm]', a literal or a variable."""

    delay: Expression


@dataclass(frozen=True)
class Kill(Node):
    session_id: int


@dataclass(frozen=True)
class ReadText(Node):
    """READTEXT table.column pointer offset size; each a literal or a variable."""

    table: ObjectName
    column: str
    pointer: Literal | Variable
    offset: Literal | Variable
    size: Literal | Variable


# Cursors


@dataclass(frozen=True)
class DeclareCursor(Node):
    """DECLARE name CURSOR FOR query; one that is not `local` belongs to the session."""

    name: str
    query: Query
    local: bool = False


@dataclass(frozen=True)
class OpenCursor(Node):
    name: str


@dataclass(frozen=True)
class FetchCursor(Node):
    """FETCH NEXT FROM name INTO variables."""

    name: str
    variables: tuple[str, ...]


@dataclass(frozen=True)
class CloseCursor(Node):
    name: str


@dataclass(frozen=True)
class DeallocateCursor(Node):
    name: str


# Transactions; a name is text, or a Variable that holds it


@dataclass(frozen=True)
class BeginTransaction(Node):
    name: str | Variable | None = None


@dataclass(frozen=True)
class CommitTransaction(Node):
    name: str | Variable | None = None


@dataclass(frozen=True)
class RollbackTransaction(Node):
    """To the savepoint of that name, if there is one; otherwise the name must be the transaction's."""

    name: str | Variable | None = None


@dataclass(frozen=True)
class SaveTransaction(Node):
    name: str | Variable


# Procedures


@dataclass(frozen=True)
class Argument(Node):
    """One argument of EXEC: positional if `name` is None; the value is DEFAULT, a literal or a variable.

    A bare word is an nvarchar literal. With OUTPUT the value is a Variable.
    """

    name: str | None
    value: Literal | Variable | SystemVariable | DefaultValue
    output: bool = False


@dataclass(frozen=True)
class ExecuteProcedure(Node):
    """EXEC [@result =] procedure arguments; a Variable as procedure holds its name as text."""

    procedure: ObjectName | Variable
    arguments: tuple[Argument, ...] = ()
    result: str | None = None


@dataclass(frozen=True)
class ExecuteString(Node):
    """EXEC (text)."""

    text: Expression


@dataclass(frozen=True)
class Parameter(Node):
    """A parameter of a procedure or of sp_executesql. No default is None; DEFAULT NULL is `Literal(None)`."""

    name: str
    type: TypeName
    default: Literal | None = None
    output: bool = False


@dataclass(frozen=True)
class CreateProcedure(Node):
    """CREATE or ALTER PROCEDURE, always alone in its batch.

    `definition` is the whole text of the batch, with CREATE in place of ALTER: what sys.sql_modules shows. Lines of
    the body's nodes count from the start of that text, which is also how errors in a procedure give them.
    """

    name: ObjectName
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    definition: str
    alter: bool = False
    variables: tuple[Declaration, ...] = ()


@dataclass(frozen=True)
class DropProcedure(Node):
    names: tuple[ObjectName, ...]


# Databases, tables, indexes, types


@dataclass(frozen=True)
class Use(Node):
    database: str


@dataclass(frozen=True)
class FileDefinition(Node):
    """A file of a database; sizes are in kilobytes, `growth` in percent if `percent` says so."""

    name: str
    path: str | None = None
    size: int | None = None
    growth: int | None = None
    percent: bool = False


@dataclass(frozen=True)
class CreateDatabase(Node):
    """`files` is empty, or the data file and the log."""

    name: str
    collation: str | None = None
    files: tuple[FileDefinition, ...] = ()


@dataclass(frozen=True)
class SetDatabase(Node):
    """ALTER DATABASE ... SET; `database` None is CURRENT. `value` is True or False, a recovery model, or None.

    `termination` is 'ROLLBACK IMMEDIATE', 'NO_WAIT' or empty.
    """

    database: str | None
    option: str
    value: bool | str | None = None
    termination: str = ""


@dataclass(frozen=True)
class ModifyFile(Node):
    """ALTER DATABASE ... MODIFY FILE, with a new size or a new growth; `database` None is CURRENT."""

    database: str | None
    file: FileDefinition


@dataclass(frozen=True)
class DropDatabase(Node):
    names: tuple[str, ...]


@dataclass(frozen=True)
class DefaultConstraint(Node):
    """A column's DEFAULT: the value, and its text as written."""

    name: str | None
    value: Expression
    text: str


@dataclass(frozen=True)
class ColumnDefinition(Node):
    """`nullable` is None if neither NULL nor NOT NULL is written; `identity` counts from 1, in steps of 1."""

    name: str
    type: TypeName
    nullable: bool | None = None
    default: DefaultConstraint | None = None
    identity: bool = False


@dataclass(frozen=True)
class KeyColumn(Node):
    name: str
    descending: bool = False


@dataclass(frozen=True)
class KeyConstraint(Node):
    """PRIMARY KEY or UNIQUE; `clustered` is None if neither word is written."""

    name: str | None
    primary: bool
    columns: tuple[KeyColumn, ...]
    clustered: bool | None = None


@dataclass(frozen=True)
class CreateTable(Node):
    name: ObjectName
    columns: tuple[ColumnDefinition, ...]
    keys: tuple[KeyConstraint, ...] = ()


@dataclass(frozen=True)
class DropTable(Node):
    names: tuple[ObjectName, ...]


@dataclass(frozen=True)
class CreateIndex(Node):
    name: str
    table: ObjectName
    columns: tuple[KeyColumn, ...]
    unique: bool = False
    clustered: bool = False


@dataclass(frozen=True)
class DropIndex(Node):
    name: str
    table: ObjectName


@dataclass(frozen=True)
class AddColumn(Node):
    """ALTER TABLE table ADD column."""

    table: ObjectName
    column: ColumnDefinition


@dataclass(frozen=True)
class AlterColumn(Node):
    """ALTER TABLE table ALTER COLUMN column; it becomes nullable if nothing is written."""

    table: ObjectName
    column: ColumnDefinition


@dataclass(frozen=True)
class AddKey(Node):
    """ALTER TABLE table ADD CONSTRAINT key."""

    table: ObjectName
    key: KeyConstraint


@dataclass(frozen=True)
class DropKey(Node):
    """ALTER TABLE table DROP CONSTRAINT name."""

    table: ObjectName
    name: str


@dataclass(frozen=True)
class CreateType(Node):
    """CREATE TYPE name FROM base [NULL | NOT NULL]; nullable if nothing is written."""

    name: ObjectName
    base: TypeName
    nullable: bool = True


@dataclass(frozen=True)
class DropType(Node):
    name: ObjectName


Statement = Node
"""Any of the statements above."""


@dataclass(frozen=True)
class Batch(Node):
    """What a client sent in one piece.

    `variables` are all that it declares, in whatever block, in order; a procedure that it creates has its own.
    """

    statements: tuple[Statement, ...]
    variables: tuple[Declaration, ...] = ()
