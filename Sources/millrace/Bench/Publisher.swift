import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Upstream

/// Makes the changes that are measured: cases of its own in the org, created, changed in turns at a rate, and deleted in the end.
struct Publisher: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// What has been done so far.
    struct Figures: Sendable {
        /// Changes that the org has acknowledged, creations among them: each makes one event.
        var changeCount = 0
        var failureCount = 0
        var firstFailure: String?
        /// Of the calls, in the org's REST API.
        var calls = Durations()
        /// When each acknowledged change was begun, in microseconds since 1970, by the fingerprint of the record's id. In the order
        /// of the record's events.
        var begins: [UInt64: [Int64]] = [:]
        var records: Set<UInt64> { Set(begins.keys) }
    }

    private static let apiPath = "/services/data/v66.0/sobjects/Case"
    private static let answerBytesMax = 1024 * 1024
    static let callTimeout = TimeAmount.seconds(30)
    /// Callers at the same time, each with a case of its own, so that the changes of a record keep their order.
    static let callersMax = 64
    /// A caller has half a second for a change: an org far away, with triggers, takes some tenths of one.
    private static let perSecondAndCaller = 2.0

    private let session: RESTSession
    private let http: HTTPClient
    let perSecond: Double
    /// Fields of the cases, as JSON: what conditions ask for.
    private let fields: [String: FieldLiteral]
    private let state: SharedFigures

    private final class SharedFigures: Sendable {
        let figures = Mutex(Figures())
    }

    init(session: RESTSession, http: HTTPClient, perSecond: Double, fields: [String: FieldLiteral]) {
        self.session = session
        self.http = http
        self.perSecond = perSecond
        self.fields = fields
        state = SharedFigures()
    }

    var figures: Figures { state.figures.withLock { $0 } }

    var callerCount: Int { max(1, min(Self.callersMax, Int((perSecond / Self.perSecondAndCaller).rounded(.up)))) }

    /// Creates the cases. Throws `Failure` in the org's words: nothing can be published then.
    func create() async throws -> [String] {
        var ids: [String] = []
        do {
            for _ in 0..<callerCount { ids.append(try await createCase()) }
        } catch {
            await delete(ids)
            throw error
        }
        return ids
    }

    private func createCase() async throws -> String {
        struct Created: Decodable { var id: String }
        let fields = ["Subject": FieldLiteral.string("millrace bench")].merging(fields) { $1 }
        let begin = RunClock.now()
        let answer = try await call(.POST, "", JSONEncoder().encode(fields))
        guard let id = try? JSONDecoder().decode(Created.self, from: Data(answer.readableBytesView)).id else {
            throw Failure(description: "the answer to the creation of a case has no id")
        }
        state.figures.withLock { figures in
            figures.changeCount += 1
            figures.begins[Fingerprint(id).value] = [begin]
        }
        return id
    }

    /// Changes the cases until it is cancelled, which waits for calls that have begun. A change that fails is counted and not
    /// tried again.
    func run(on ids: [String]) async {
        let begin = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for (index, id) in ids.enumerated() {
                group.addTask {
                    var turn = 0
                    while !Task.isCancelled {
                        let number = turn * ids.count + index
                        do {
                            try await Task.sleep(
                                until: begin + .seconds(Double(number) / perSecond), clock: .continuous)
                        } catch {
                            return
                        }
                        // A call that has begun is waited for, so that it is known whether the org has changed the case.
                        await Task { await change(id, number: number) }.value
                        turn += 1
                    }
                }
            }
        }
    }

    private func change(_ id: String, number: Int) async {
        do {
            let begin = RunClock.now()
            _ = try await call(.PATCH, "/" + id, JSONEncoder().encode(["Subject": "millrace bench \(number)"]))
            let took = RunClock.now() - begin
            state.figures.withLock { figures in
                figures.changeCount += 1
                figures.calls.record(took)
                figures.begins[Fingerprint(id).value, default: []].append(begin)
            }
        } catch {
            state.figures.withLock { figures in
                figures.failureCount += 1
                figures.firstFailure = figures.firstFailure ?? "\(error)"
            }
        }
    }

    /// Deletes the cases. What cannot be deleted is a failure that counts.
    func delete(_ ids: [String]) async {
        for id in ids {
            do {
                _ = try await call(.DELETE, "/" + id, nil)
            } catch {
                state.figures.withLock { figures in
                    figures.failureCount += 1
                    figures.firstFailure = figures.firstFailure ?? "case \(id) could not be deleted: \(error)"
                }
            }
        }
    }

    private func call(_ method: HTTPMethod, _ path: String, _ body: Data?) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: session.instanceURL + Self.apiPath + path)
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(session.accessToken)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response: HTTPClientResponse
        let answer: ByteBuffer
        do {
            response = try await http.execute(request, timeout: Self.callTimeout)
            answer = try await response.body.collect(upTo: Self.answerBytesMax)
        } catch {
            throw Failure(description: "\(session.instanceURL) cannot be reached (\(error))")
        }
        guard (200..<300).contains(response.status.code) else {
            throw Failure(description: "\(method) of a case: \(response.status.code) \(Self.message(answer))")
        }
        return answer
    }

    /// Salesforce's errors are a list of codes with messages.
    private static func message(_ answer: ByteBuffer) -> String {
        struct OrgError: Decodable {
            var errorCode: String
            var message: String
        }
        let errors = try? JSONDecoder().decode([OrgError].self, from: Data(answer.readableBytesView))
        return errors?.first.map { "\($0.errorCode): \($0.message)" } ?? ""
    }
}

/// A value of a flat JSON object, as a record's fields are.
enum FieldLiteral: Codable, Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .boolean(flag)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else {
            self = .string(try value.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .boolean(let flag): try value.encode(flag)
        case .number(let number): try value.encode(number)
        case .string(let text): try value.encode(text)
        }
    }
}
