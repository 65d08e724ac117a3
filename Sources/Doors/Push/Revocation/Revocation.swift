/// Which push tokens are worth nothing any more. Times are seconds since 1970, as in a token's `iat`.
///
/// A token that does not say when it was issued counts as issued before any time, one without `jti` is no token of any id.
public enum Revocation: Hashable, Sendable {
    /// Those of a subject (`sub`) that were issued up to then.
    case subject(String, issuedUpTo: Int64)
    /// The one with this `jti`.
    case tokenID(String)
    /// All that were issued up to then, whoever's: after the issuer's key has leaked.
    case everything(issuedUpTo: Int64)

    public static let nameBytesMax = 256
}

/// All revocations that are remembered. A value; `RevocationRegister` shares one.
struct RevocationList: Sendable {
    /// The oldest are forgotten past this: by then the tokens concerned should have expired.
    static let countMax = 10_000

    private var subjects: [String: Int64] = [:]
    private var tokenIDs: Set<String> = []
    private var issuedUpTo: Int64?
    /// Subjects and token ids in the order in which they came.
    private var order: [Entry] = []

    private enum Entry: Hashable {
        case subject(String)
        case tokenID(String)
    }

    /// Oldest first.
    var all: [Revocation] {
        let named: [Revocation] = order.map { entry in
            switch entry {
            case .subject(let subject): .subject(subject, issuedUpTo: subjects[subject] ?? 0)
            case .tokenID(let id): .tokenID(id)
            }
        }
        return named + (issuedUpTo.map { [.everything(issuedUpTo: $0)] } ?? [])
    }

    mutating func add(_ revocation: Revocation) {
        switch revocation {
        case .subject(let subject, let time):
            if let known = subjects[subject] {
                subjects[subject] = max(known, time)
            } else {
                subjects[subject] = time
                order.append(.subject(subject))
            }
        case .tokenID(let id):
            if tokenIDs.insert(id).inserted { order.append(.tokenID(id)) }
        case .everything(let time):
            issuedUpTo = max(issuedUpTo ?? time, time)
        }
        if order.count > Self.countMax { forgetOldest() }
    }

    func covers(_ grant: Grant) -> Bool {
        if let issuedUpTo, isIssued(grant, upTo: issuedUpTo) { return true }
        if let time = subjects[grant.subject], isIssued(grant, upTo: time) { return true }
        return grant.tokenID.map(tokenIDs.contains) ?? false
    }

    private func isIssued(_ grant: Grant, upTo time: Int64) -> Bool { grant.issuedAt.map { $0 <= time } ?? true }

    private mutating func forgetOldest() {
        switch order.removeFirst() {
        case .subject(let subject): subjects[subject] = nil
        case .tokenID(let id): tokenIDs.remove(id)
        }
    }
}

extension RevocationList: Codable {
    /// One of the two, or only a time: of everybody.
    private struct Item: Codable {
        var subject: String?
        var tokenID: String?
        var issuedUpTo: Int64?
    }

    init(from decoder: any Decoder) throws {
        for item in try [Item](from: decoder) {
            switch (item.subject, item.tokenID, item.issuedUpTo) {
            case (let subject?, nil, let time?): add(.subject(subject, issuedUpTo: time))
            case (nil, let id?, nil): add(.tokenID(id))
            case (nil, nil, let time?): add(.everything(issuedUpTo: time))
            default:
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "not a revocation"))
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        let items = all.map { revocation in
            switch revocation {
            case .subject(let subject, let time): Item(subject: subject, issuedUpTo: time)
            case .tokenID(let id): Item(tokenID: id)
            case .everything(let time): Item(issuedUpTo: time)
            }
        }
        try items.encode(to: encoder)
    }
}
