//! Statements as data: text, values, and what it means when a unique key exists already or another number of rows is touched than
//! should be. Where a server is asked, a list of them goes as one message, so that what a transaction writes costs one round trip and not
//! one for each statement. Where the engine is in this process, reading a statement's text is what costs, and each goes by itself, prepared.

#[cfg(test)]
mod tests;

use crate::dialect::{Around, Dialect};
use crate::sql::{Query, Shape, built, chunks_by_size, is_taken};
use futures_util::TryStreamExt;
use sqlx::{AnyConnection, AssertSqlSafe};
use std::borrow::Cow;
use std::fmt::Write;

/// Most bytes of texts in one message; a statement that has more goes by itself, with its values bound. A text takes at most twice its
/// bytes, so that a message stays far below the smallest packet that a server may be set to (16 MiB).
const MESSAGE_BYTES: usize = 1 << 20;

/// What stands in the way of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// A lease is no longer this controller's.
    Fenced,
    /// An event of this sequence exists, the row has gone on, or a prompt is not open any more.
    Stale,
    /// An idempotency key exists.
    Idempotency,
    /// A claim is held.
    Claim,
    /// A number is taken.
    Number,
    /// A schedule's row has gone on.
    Schedule,
    /// A slot is settled.
    Slot,
}

/// Why statements were not all carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The first conflict.
    Conflict(Conflict),
    /// The database said no, or is away.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// A value of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// NULL.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(Cow<'a, str>),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl Value<'_> {
    /// Bytes of a text.
    fn size(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    fn bind(self, query: Query) -> Query {
        match self {
            Self::Null => query.bind(None::<String>),
            Self::Integer(number) => query.bind(number),
            Self::Text(text) => query.bind(text.into_owned()),
        }
    }

    /// Writes it into a statement's text. A text stands there as it is only if no server, however it is set up, could read anything else
    /// in it; every other stands there in hexadecimal digits, with what `digits` says around them.
    fn write(&self, digits: Around, statement: &mut String) {
        match self {
            Self::Null => statement.push_str("NULL"),
            Self::Integer(number) => drop(write!(statement, "{number}")),
            Self::Text(text) if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\')) => {
                statement.push('\'');
                statement.push_str(text);
                statement.push('\'');
            }
            Self::Text(text) => {
                statement.push_str(digits.before);
                for byte in text.bytes() {
                    for digit in [byte >> 4, byte & 15] {
                        statement.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
                    }
                }
                statement.push_str(digits.after);
            }
        }
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// Put together from fixed pieces, with a `?` for each value and nowhere else.
    text: Cow<'static, str>,
    values: Vec<Value<'a>>,
    taken: Option<Conflict>,
    touched: Option<(u64, Conflict)>,
}

impl<'a> Statement<'a> {
    /// A statement with its values.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>, values: Vec<Value<'a>>) -> Self {
        Self { text: text.into(), values, taken: None, touched: None }
    }

    /// A statement for each slice of the rows, of this shape.
    pub(crate) fn of_rows<T, const N: usize>(
        shape: &Shape,
        rows: impl IntoIterator<Item = T>,
        values: impl Fn(T) -> [Value<'a>; N],
    ) -> Vec<Self> {
        let mut values = rows.into_iter().map(values).collect::<Vec<_>>().into_iter();
        let sizes: Vec<usize> = values.as_slice().iter().map(|row| row.iter().map(Value::size).sum()).collect();
        let slices = chunks_by_size(&sizes, |size| *size).map(<[usize]>::len);
        slices.map(|count| Self::new(shape.text(count), values.by_ref().take(count).flatten().collect())).collect()
    }

    /// What a unique key that exists means.
    pub(crate) fn taken_as(self, conflict: Conflict) -> Self {
        Self { taken: Some(conflict), ..self }
    }

    /// What it means if it touches another number of rows than this.
    pub(crate) fn touching(self, rows: u64, else_it_is: Conflict) -> Self {
        Self { touched: Some((rows, else_it_is)), ..self }
    }

    /// Its values, however many rows they are of.
    pub(crate) const fn values(&self) -> usize {
        self.values.len()
    }

    /// The statement by itself, with its values bound.
    pub(crate) fn bound(self) -> Query {
        self.values.into_iter().fold(built(self.text.into_owned()), |query, value| value.bind(query))
    }

    fn size(&self) -> usize {
        self.values.iter().map(Value::size).sum()
    }

    /// The statement with its values in its text.
    fn write(&self, digits: Around, message: &mut String) {
        let mut values = self.values.iter();
        for (at, piece) in self.text.split('?').enumerate() {
            if at > 0 {
                match values.next() {
                    Some(value) => value.write(digits, message),
                    // The database refuses it, as it does where values are bound.
                    None => message.push('?'),
                }
            }
            message.push_str(piece);
        }
        debug_assert_eq!(self.text.split('?').count(), self.values.len() + 1, "{}", self.text);
    }
}

/// Carries them out in their order, inside a transaction, in as few messages as the engine and their sizes allow. After an error some that
/// follow may have been carried out: the transaction is to be rolled back.
pub(crate) async fn run(
    dialect: &Dialect,
    connection: &mut AnyConnection,
    statements: Vec<Statement<'_>>,
) -> Result<(), Refused> {
    let bytes = statements.iter().map(|statement| statement.text.len() + statement.size()).sum();
    let Some(digits) = dialect.message(bytes) else {
        for statement in statements {
            one(connection, statement).await?;
        }
        return Ok(());
    };
    let (mut message, mut bytes) = (Vec::new(), 0);
    for statement in statements {
        let size = statement.size();
        if bytes + size > MESSAGE_BYTES {
            send(digits, connection, &std::mem::take(&mut message)).await?;
            bytes = 0;
        }
        if size > MESSAGE_BYTES {
            one(connection, statement).await?;
        } else {
            message.push(statement);
            bytes += size;
        }
    }
    send(digits, connection, &message).await
}

/// One by itself, with its values bound.
async fn one(connection: &mut AnyConnection, statement: Statement<'_>) -> Result<(), Refused> {
    let (taken, touched) = (statement.taken, statement.touched);
    let done = statement.bound().execute(connection).await;
    judge(touched, done.map_err(|error| refused(taken, error))?.rows_affected())
}

fn judge(touched: Option<(u64, Conflict)>, rows: u64) -> Result<(), Refused> {
    match touched {
        Some((expected, conflict)) if expected != rows => Err(Refused::Conflict(conflict)),
        _ => Ok(()),
    }
}

fn refused(taken: Option<Conflict>, error: sqlx::Error) -> Refused {
    match taken {
        Some(conflict) if is_taken(&error) => Refused::Conflict(conflict),
        _ => Refused::Database(error),
    }
}

/// Some as one message.
async fn send(digits: Around, connection: &mut AnyConnection, statements: &[Statement<'_>]) -> Result<(), Refused> {
    if statements.is_empty() {
        return Ok(());
    }
    let mut text = String::with_capacity(statements.iter().map(|statement| statement.text.len() + 2 * statement.size()).sum());
    for statement in statements {
        statement.write(digits, &mut text);
        text.push(';');
    }
    let mut answers = sqlx::raw_sql(AssertSqlSafe(text)).execute_many(connection);
    let mut judged = Ok(());
    for statement in statements {
        match answers.try_next().await {
            Ok(Some(done)) => judged = judged.and_then(|()| judge(statement.touched, done.rows_affected())),
            Ok(None) => {
                let reason = "fewer answers than statements".to_owned();
                return judged.and(Err(Refused::Database(sqlx::Error::Protocol(reason))));
            }
            Err(error) => return judged.and(Err(refused(statement.taken, error))),
        }
    }
    // To its end, so that the connection is ready for what follows.
    while answers.try_next().await?.is_some() {}
    judged
}
