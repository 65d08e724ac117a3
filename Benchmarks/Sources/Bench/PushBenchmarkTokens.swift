import Doors
import Foundation

/// Who listens: tokens for the benchmark's hub, one a line.
struct PushBenchmarkTokens {
    /// What tells the listeners apart.
    enum Kind: String {
        /// Nothing: one subject that sees all.
        case alike
        /// Portal users: a subject and a `where` of their own, which no event meets.
        case users
        /// A `where` of their own, which every event of part n modulo 2 meets.
        case parts
        /// Subjects that only share a `where` which no event meets.
        case crowds
        /// A field mask: all but the nth of the wide fields.
        case masks
    }

    private static let secret = String(repeating: "benchmark ", count: 4)

    let kind: Kind
    let count: Int

    init(arguments: ArraySlice<String>) throws {
        guard arguments.count == 2, let kind = arguments.first.flatMap(Kind.init),
            let count = arguments.last.flatMap({ Int($0) })
        else { throw UsageError() }
        self.kind = kind
        self.count = count
    }

    static func verifier() throws -> TokenVerifier {
        try TokenVerifier(algorithm: .hs256, key: secret, issuer: "bench", audience: "bench")
    }

    func write() throws {
        let signer = try TokenSigner(algorithm: .hs256, key: Self.secret, issuer: "bench", audience: "bench")
        for number in 0..<count {
            let hasOwnSubject = kind == .users || kind == .crowds
            let token = try signer.sign(
                subject: hasOwnSubject ? "\(kind)-\(number)" : "bench", allow: [allowance(number)],
                issuedAt: Int64(Date().timeIntervalSince1970), lifetime: .seconds(12 * 3600))
            FileHandle.standardOutput.write(Data((token + "\n").utf8))
        }
    }

    private func allowance(_ number: Int) -> TokenSigner.Allowance {
        let channel = PushBenchmarkEvents.channel
        switch kind {
        case .alike: return .init(channel: channel)
        case .users: return .init(channel: channel, where: "ContactId = '\(MatchWorkload.id("003", 1 + number))'")
        case .crowds: return .init(channel: channel, where: "Part__c = 'none'")
        case .parts:
            return .init(channel: channel, where: "Part__c = 'part \(number % 2)' AND Amount__c < \(2 + number)")
        case .masks:
            var fields = ["Status", "Description"] + PushBenchmarkEvents.wideNames(count)
            fields.remove(at: 2 + number)
            return .init(channel: channel, fields: fields)
        }
    }
}
