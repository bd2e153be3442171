//! Live definitions, and the one transaction that applies a commit: everything of it or nothing.

use crate::columns::time;
use crate::dialect::{Dialect, UPSERT_DEFINITION};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, Shape, built, chunks, chunks_by_size, is_taken, query, repeat};
use crate::syncs::{self, SyncRecord};
use crate::tokens::json;
use crate::{Error, RowError, Store};
use crate::{audit, bounds};
use crd_schemas::manifest::{Kind, Manifest};
use pulse_core::audit::Record;
use pulse_core::definitions::Files;
use pulse_core::plan::LiveObject;
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::{self, Act};
use sqlx::{AnyConnection, Connection};
use std::collections::BTreeMap;

/// What names a definition within its source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionKey {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// A definition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The source it came from.
    pub source: String,
    /// The manifest.
    pub manifest: Manifest,
    /// The file it stands in, within the repository.
    pub path: String,
    /// Digest of its content.
    pub digest: String,
    /// The files of its commit that it uses.
    pub files: Files,
    /// How often it was changed: created, updated, retired.
    pub generation: i64,
    /// The commit that wrote this row.
    pub commit: String,
    /// Since when it is no longer in the source.
    pub retired_at: Option<Timestamp>,
    /// When this row was written.
    pub updated_at: Timestamp,
}

/// A definition that a commit brings: new, or with a new content or place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDefinition {
    /// The manifest.
    pub manifest: Manifest,
    /// The file it stands in, within the repository.
    pub path: String,
    /// Digest of its content.
    pub digest: String,
    /// The files of its commit that it uses.
    pub files: Files,
    /// How often it was changed, this time included; a new place alone is no change.
    pub generation: i64,
}

/// A source as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// Its name.
    pub source: String,
    /// Counts the commits that were applied.
    pub generation: i64,
    /// The commit that is live.
    pub commit: String,
    /// Digest of everything that is live.
    pub digest: String,
    /// When it was applied.
    pub updated_at: Timestamp,
}

/// Everything that is live at one moment.
#[derive(Debug, Default)]
pub struct LiveSet {
    /// Where every source stands, by name.
    pub sources: Vec<Result<SourceState, RowError>>,
    /// Every definition that is live, with its kind.
    pub definitions: Vec<(Kind, Result<Definition, RowError>)>,
}

/// A plan to apply, together with the sync that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Apply {
    /// The source.
    pub source: String,
    /// The generation that the plan was made against; 0 for a source that was never applied.
    pub parent_generation: i64,
    /// The commit.
    pub commit: String,
    /// Digest of the whole set.
    pub digest: String,
    /// Created and updated.
    pub upserted: Vec<NewDefinition>,
    /// Retired.
    pub retired: Vec<DefinitionKey>,
    /// The row for people.
    pub sync: SyncRecord,
    /// When.
    pub now: Timestamp,
    /// What the audit log says of it.
    pub audit: Option<Record>,
}

/// Why a plan was not applied. Nothing of it is live then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Another sync came first: plan again.
    #[error("source {name:?} is no longer at generation {expected}: another sync was applied first, plan again")]
    Moved {
        /// The source.
        name: String,
        /// The generation that the plan was made against.
        expected: i64,
    },
    /// See [`Error`].
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

const COLUMNS: &str = "source, kind, name, path, digest, generation, commit_id, manifest, retired_at, updated_at, files";

impl FromRow for Definition {
    const TABLE: &'static str = "definitions";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}/{}", row.text("source")?, row.text("kind")?, row.text("name")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let manifest: Manifest = row.json("manifest")?;
        let (kind, name): (String, String) = (row.get("kind")?, row.get("name")?);
        if manifest.kind().as_str() != kind || manifest.metadata().name != name {
            return Err(format!("column manifest: holds {} {:?}", manifest.kind(), manifest.metadata().name));
        }
        Ok(Self {
            source: row.get("source")?,
            manifest,
            path: row.get("path")?,
            digest: row.get("digest")?,
            files: row.json("files")?,
            generation: row.get("generation")?,
            commit: row.get("commit_id")?,
            retired_at: row.get::<Option<i64>>("retired_at")?.map(Timestamp),
            updated_at: Timestamp(row.get("updated_at")?),
        })
    }
}

impl FromRow for LiveObject {
    const TABLE: &'static str = "definitions";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("kind")?, row.text("name")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let word: String = row.get("kind")?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
        Ok(Self {
            kind: kind.ok_or_else(|| format!("column kind: there is no kind {word:?}"))?,
            name: row.get("name")?,
            digest: row.get("digest")?,
            path: row.get("path")?,
            retired: row.get::<Option<i64>>("retired_at")?.is_some(),
            // Whoever reads manifests finds that out.
            unreadable: false,
            generation: row.get("generation")?,
        })
    }
}

impl FromRow for SourceState {
    const TABLE: &'static str = "sources";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("source")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            source: row.get("source")?,
            generation: row.get("generation")?,
            commit: row.get("commit_id")?,
            digest: row.get("digest")?,
            updated_at: Timestamp(row.get("updated_at")?),
        })
    }
}

impl Store {
    /// What is live of a source.
    pub async fn live(&self, source: &str) -> Result<Vec<Result<Definition, RowError>>, Error> {
        let select =
            built(format!("SELECT {COLUMNS} FROM definitions WHERE source = ? AND retired_at IS NULL ORDER BY kind, name"));
        Ok(list(&mut *self.reader().await?, select.bind(source.to_owned())).await?)
    }

    /// Every object of a source without its manifest, retired ones too: what a plan is made against.
    pub async fn heads(&self, source: &str) -> Result<Vec<Result<LiveObject, RowError>>, Error> {
        let select = query("SELECT kind, name, path, digest, generation, retired_at FROM definitions WHERE source = ?");
        Ok(list(&mut *self.reader().await?, select.bind(source.to_owned())).await?)
    }

    /// Everything that is live, read as it was at one moment, so that no commit is in it by half.
    pub async fn live_set(&self) -> Result<LiveSet, Error> {
        let (level, begin) = self.database.ground.dialect.begin_snapshot();
        let mut connection = self.reader().await?;
        if let Some(level) = level {
            query(level).execute(&mut *connection).await?;
        }
        let mut moment = connection.begin_with(begin).await?;
        let mut set = LiveSet { sources: list(&mut moment, select_sources()).await?, definitions: Vec::new() };
        for kind in Kind::ALL {
            let rows = list(&mut moment, select_kind(kind)).await?;
            set.definitions.extend(rows.into_iter().map(|row| (kind, row)));
        }
        moment.rollback().await?;
        Ok(set)
    }

    /// What is live of a kind, in every source.
    pub async fn definitions(&self, kind: Kind) -> Result<Vec<Result<Definition, RowError>>, Error> {
        Ok(list(&mut *self.reader().await?, select_kind(kind)).await?)
    }

    /// What is live of a kind under one name, in every source.
    pub async fn named(&self, kind: Kind, name: &str) -> Result<Vec<Result<Definition, RowError>>, Error> {
        let select = built(format!(
            "SELECT {COLUMNS} FROM definitions WHERE kind = ? AND name = ? AND retired_at IS NULL ORDER BY source"
        ));
        Ok(list(&mut *self.reader().await?, select.bind(kind.as_str()).bind(name.to_owned())).await?)
    }

    /// One definition of a source, live or retired.
    pub async fn definition(&self, source: &str, kind: Kind, name: &str) -> Result<Option<Definition>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM definitions WHERE source = ? AND kind = ? AND name = ?"));
        let select = select.bind(source.to_owned()).bind(kind.as_str()).bind(name.to_owned());
        one(&mut *self.reader().await?, select).await
    }

    /// Where a source stands; absent before its first commit.
    pub async fn source(&self, source: &str) -> Result<Option<SourceState>, Error> {
        let select = query("SELECT source, generation, commit_id, digest, updated_at FROM sources WHERE source = ?");
        one(&mut *self.reader().await?, select.bind(source.to_owned())).await
    }

    /// Where every source stands, by name.
    pub async fn sources(&self) -> Result<Vec<Result<SourceState, RowError>>, Error> {
        Ok(list(&mut *self.reader().await?, select_sources()).await?)
    }

    /// Applies a plan: every row, the source's new generation and the sync, in one transaction and only if the source still
    /// stands where the plan was made. Answers the new generation.
    pub async fn apply(&self, apply: &Apply) -> Result<i64, ApplyError> {
        let generation = apply.parent_generation.saturating_add(1);
        apply.check()?;
        let rows = &apply.upserted.iter().map(encode).collect::<Result<Vec<_>, Error>>()?;
        let (dialect, audited) = (&self.database.ground.dialect, &apply.audit.iter().collect::<Vec<_>>());
        // The sync's row is part of the transaction and has an id of its own.
        let applied = self
            .transact(
                Act::Apply,
                |connection, _| {
                    Box::pin(async move {
                        advance(connection, apply, generation).await?;
                        failpoint::midway(Act::ApplyAdvanced);
                        upsert(dialect, connection, apply, rows).await?;
                        failpoint::midway(Act::ApplyUpserted);
                        retire(connection, apply).await?;
                        retire_unknown(connection, apply).await?;
                        failpoint::midway(Act::ApplyRetired);
                        syncs::insert(connection, &apply.sync).await?;
                        audit::insert(dialect, connection, audited).await?;
                        Ok::<_, ApplyError>(generation)
                    })
                },
                |connection, _| {
                    Box::pin(async move { Ok(syncs::written(dialect, connection, apply.sync.id).await?.then_some(generation)) })
                },
            )
            .await?;
        self.database.audited.notify_one();
        Ok(applied)
    }
}

fn select_kind(kind: Kind) -> Query {
    let live = "WHERE kind = ? AND retired_at IS NULL ORDER BY name, source";
    built(format!("SELECT {COLUMNS} FROM definitions {live}")).bind(kind.as_str())
}

fn select_sources() -> Query {
    query("SELECT source, generation, commit_id, digest, updated_at FROM sources ORDER BY source")
}

impl Apply {
    fn check(&self) -> Result<(), Error> {
        bounds::text("a source's name", &self.source, bounds::NAME)?;
        bounds::ascii("a commit", &self.commit, bounds::DIGEST)?;
        bounds::ascii("a digest", &self.digest, bounds::DIGEST)?;
        self.audit.as_ref().map_or(Ok(()), audit::check)?;
        self.sync.check()
    }
}

/// A definition with its manifest and its files as their columns.
type Encoded<'a> = (&'a NewDefinition, String, String);

fn encode(new: &NewDefinition) -> Result<Encoded<'_>, Error> {
    bounds::text("a definition's name", &new.manifest.metadata().name, bounds::NAME)?;
    bounds::ascii("a digest", &new.digest, bounds::DIGEST)?;
    let (manifest, files) = (json(&new.manifest)?, json(&new.files)?);
    bounds::documents("a definition with its files", &[&new.path, &manifest, &files])?;
    Ok((new, manifest, files))
}

async fn upsert(
    dialect: &Dialect,
    connection: &mut AnyConnection,
    apply: &Apply,
    rows: &[Encoded<'_>],
) -> Result<(), sqlx::Error> {
    let shape = Shape::insert(
        "INSERT INTO definitions (source, kind, name, path, digest, generation, commit_id, manifest, files, retired_at, \
         updated_at) VALUES",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
    );
    let bind = |query: Query, (new, manifest, files): &Encoded<'_>| {
        query
            .bind(apply.source.clone())
            .bind(new.manifest.kind().as_str())
            .bind(new.manifest.metadata().name.clone())
            .bind(new.path.clone())
            .bind(new.digest.clone())
            .bind(new.generation)
            .bind(apply.commit.clone())
            .bind(manifest.clone())
            .bind(files.clone())
            .bind(time(apply.now))
    };
    let size = |(new, manifest, files): &Encoded<'_>| new.path.len() + manifest.len() + files.len();
    let shape = dialect.upsert(shape, &UPSERT_DEFINITION);
    for (at, statement) in chunks_by_size(rows, size).enumerate() {
        if at > 0 {
            failpoint::midway(Act::ApplyUpserting);
        }
        shape.run(connection, statement, bind).await?;
    }
    Ok(())
}

/// The compare-and-set on the source: its first row by the unique key, later ones by the generation.
async fn advance(connection: &mut AnyConnection, apply: &Apply, generation: i64) -> Result<(), ApplyError> {
    let moved = || ApplyError::Moved { name: apply.source.clone(), expected: apply.parent_generation };
    let row = |query: Query| {
        query
            .bind(generation)
            .bind(apply.commit.clone())
            .bind(apply.digest.clone())
            .bind(time(apply.now))
            .bind(apply.source.clone())
    };
    if apply.parent_generation == 0 {
        let insert = query("INSERT INTO sources (generation, commit_id, digest, updated_at, source) VALUES (?, ?, ?, ?, ?)");
        return match row(insert).execute(connection).await {
            Ok(_) => Ok(()),
            Err(error) if is_taken(&error) => Err(moved()),
            Err(error) => Err(error.into()),
        };
    }
    let update =
        query("UPDATE sources SET generation = ?, commit_id = ?, digest = ?, updated_at = ? WHERE source = ? AND generation = ?");
    let rows = row(update).bind(apply.parent_generation).execute(connection).await?.rows_affected();
    if rows == 1 { Ok(()) } else { Err(moved()) }
}

/// The rows stay, for their history.
async fn retire(connection: &mut AnyConnection, apply: &Apply) -> Result<(), sqlx::Error> {
    let mut names: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for key in &apply.retired {
        names.entry(key.kind).or_default().push(&key.name);
    }
    for (kind, names) in names {
        for (at, chunk) in chunks(&names).enumerate() {
            if at > 0 {
                failpoint::midway(Act::ApplyRetiring);
            }
            let update = built(format!(
                "UPDATE definitions SET retired_at = ?, updated_at = ?, generation = generation + 1, commit_id = ? \
                 WHERE source = ? AND kind = ? AND retired_at IS NULL AND name IN ({})",
                repeat("?", ", ", chunk.len())
            ));
            let update = update.bind(time(apply.now)).bind(time(apply.now)).bind(apply.commit.clone());
            let update = update.bind(apply.source.clone()).bind(kind.as_str());
            let update = chunk.iter().fold(update, |update, name| update.bind((*name).to_owned()));
            update.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Objects of kinds that this release does not know, which a newer one has written: a commit that still declared one of them
/// would have been refused. Left alone they would be live again after an upgrade.
async fn retire_unknown(connection: &mut AnyConnection, apply: &Apply) -> Result<(), sqlx::Error> {
    let update = built(format!(
        "UPDATE definitions SET retired_at = ?, updated_at = ?, generation = generation + 1, commit_id = ? \
         WHERE source = ? AND retired_at IS NULL AND kind NOT IN ({})",
        repeat("?", ", ", Kind::ALL.len())
    ));
    let update = update.bind(time(apply.now)).bind(time(apply.now)).bind(apply.commit.clone()).bind(apply.source.clone());
    Kind::ALL.into_iter().fold(update, |update, kind| update.bind(kind.as_str())).execute(connection).await?;
    Ok(())
}
