//! The words of a search, and how a word that nobody knows may have been meant.

/// Most words that count; further ones would only cost.
const MOST: usize = 12;

/// The words of a search, without marks: what stays is letters, digits and signs beyond ASCII, so that a word can
/// stand between quotes in a text search query. Postgres' parser sees the products' words the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

/// A search as Postgres takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextQuery {
    /// What a product must have.
    pub(super) matching: String,
    /// What makes it more relevant: a whole word counts more than its beginning.
    pub(super) ranking: String,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mark = |c: char| c.is_ascii_punctuation() || c.is_whitespace() || c.is_control();
        let mut words: Vec<String> = Vec::new();
        for word in text.split(mark).filter(|word| !word.is_empty()).map(str::to_lowercase) {
            if words.len() < MOST && !words.contains(&word) {
                words.push(word);
            }
        }
        Self(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Each word, or a word that begins with it; none where there are no words.
    pub(super) fn as_typed(&self) -> Option<TextQuery> {
        self.query(|_| None)
    }

    /// With the words that nobody knows as they may have been meant, given how others spell words like them. None
    /// where there are no such words, or where one of them is like nothing.
    pub(super) fn respelt(&self, unknown: &[(String, Vec<String>)]) -> Option<TextQuery> {
        if unknown.is_empty() {
            return None;
        }
        let mut meant = Vec::with_capacity(unknown.len());
        for (word, spellings) in unknown {
            let nearest = nearest(word, spellings);
            if nearest.is_empty() {
                return None;
            }
            meant.push((word, nearest));
        }
        self.query(|word| {
            meant.iter().find(|(known, _)| *known == word).map(|(_, nearest)| nearest.as_slice())
        })
    }

    fn query<'a>(&self, respelt: impl Fn(&String) -> Option<&'a [&'a str]>) -> Option<TextQuery> {
        if self.0.is_empty() {
            return None;
        }
        let mut matching = Vec::with_capacity(self.0.len());
        let mut ranking = Vec::with_capacity(self.0.len());
        for word in &self.0 {
            match respelt(word) {
                None => {
                    matching.push(format!("'{word}':*"));
                    ranking.push(format!("'{word}' | '{word}':*"));
                }
                Some(spellings) => {
                    let any: Vec<_> = spellings.iter().map(|spelling| format!("'{spelling}'")).collect();
                    let any = any.join(" | ");
                    matching.push(format!("({any})"));
                    ranking.push(any);
                }
            }
        }
        Some(TextQuery { matching: matching.join(" & "), ranking: ranking.join(" | ") })
    }
}

/// Those of the spellings that are fewest slips of the finger away, where that is few enough to be one's meaning.
fn nearest<'a>(word: &str, spellings: &'a [String]) -> Vec<&'a str> {
    let most = slips_forgiven(word);
    let mut nearest: Vec<&str> = Vec::new();
    let mut fewest = most;
    for spelling in spellings.iter().filter(|spelling| is_plain(spelling)) {
        let slips = slips(word, spelling);
        if slips > fewest {
            continue;
        }
        if slips < fewest {
            nearest.clear();
            fewest = slips;
        }
        nearest.push(spelling);
    }
    if most == 0 { Vec::new() } else { nearest }
}

/// A number is meant as it is typed, and of a very short word too little is left when a letter is wrong.
fn slips_forgiven(word: &str) -> usize {
    let letters = word.chars().count();
    match letters {
        _ if word.chars().any(|c| c.is_ascii_digit()) => 0,
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// Whether it can stand between quotes in a text search query.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && !word.chars().any(|c| c.is_ascii_punctuation() || c.is_whitespace() || c.is_control())
}

/// How many slips lie between two words: a letter too much, too few, another one, or two of them swapped (optimal
/// string alignment).
fn slips(typed: &str, meant: &str) -> usize {
    let typed: Vec<char> = typed.chars().collect();
    let meant: Vec<char> = meant.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=meant.len()).collect();
    for (row, letter) in typed.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, wanted) in meant.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != wanted);
            let mut fewest = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && typed[row - 1] == *wanted && meant[column - 1] == *letter;
            if swapped {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            current.push(fewest);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(typed.len())
}

#[cfg(test)]
mod tests;
