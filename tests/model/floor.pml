/* The floor's rules (src/floor/README.md) as a model that spin explores exhaustively: four radios on three
 * overlapping channels. Run by floor_model.py; src/floor is the same machine in C++, and tests/floor tests that.
 *
 * Channels  A, B and C; one bridge joins A and B, another B and C, so a press from B is heard on all three.
 * Radios    0 and 1 are at home on A and speak floor messages; 0 has the higher priority and may pre-empt there.
 *           2 is at home on B and is told by its media only. 3 is at home on C, speaks floor messages and waits
 *           until all of its channels are free. Each presses PRESSES times, each time as an emergency or not;
 *           a normal press may be raised to an emergency while it lasts. Queues have PLACES places.
 * Time      none: a timer that runs may end at any moment, before or after any message and any other timer.
 *           So every order is there, also those that real durations rule out.
 * Losses    Requests, releases and media: any. Messages of the floor: those that a newer one overtakes, and LOSSES
 *           others.
 * Endings   presses and losses are finite, so every run ends, unless the floor goes round in circles (pan -l
 *           finds any) or stops half way (Watch). What ends must end in peace: every press answered, every floor free.
 *
 * The rules themselves are C inside the model, since one step of the floor is one step here: `now` is spin's state.
 * What they find wrong they leave in `fault`.
 *
 * BROKEN    1 an equal claim takes the floor and its talker is not told; 2 a grant that nobody uses is kept; 3 who came
 *           last comes first; 4 emergencies wait like others; 5 a freed floor is not offered. Each must be found out.
 */
#ifndef BROKEN
#define BROKEN 0
#endif
#ifndef PRESSES
#define PRESSES 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef PLACES
#define PLACES 2
#endif

#define N 4
#define C 3
#define NOBODY N
#define tells(p) ((p) != 2)

/* A participant, as the floor sees it. Who speaks floor messages is Silent where others are Refused or Trailing. */
#define Silent 0
#define Queued 1
#define Talking 2
#define Revoking 3
#define Refused 4
#define Trailing 5
/* A radio, as its user sees it. */
#define Idle 0
#define Asking 1
#define Waiting 2
#define Speaking 3
/* Messages. */
#define Nothing 0
#define Granted 1
#define Denied 2
#define InQueue 3
#define Revoked 4
/* Ways to end. */
#define ByTalker 0
#define BySilence 1
#define ByLimit 2
#define ByForce 3
/* What asking for a channel would come to. */
#define Busy 0
#define Free 1
#define CutIn 2
#define AfterGrace 3
/* Faults. */
#define TwoHolders 1
#define WrongHolder 2
#define OutOfOrder 3
#define EmergencyWaits 4
#define IdleFloor 5

byte state[N];   /* of the participant */
bit danger[N];   /* its claim is an emergency */
bit heard[N];    /* media has come since the grant */
bit front[N];    /* has had the talker of its own channel revoked */
bit aged[N];
bit waits[N];    /* for all of its channels */
bit limited[N];  /* is being revoked because of its talk limit */
byte rank[N];    /* who asked first: 1, 2, …; 0 without a press */
byte held[N];    /* channels, as bits */
byte line[N];    /* channels in whose line it stands */
byte cooling[N]; /* 1: normal presses are too early, 2: emergencies, too */
/* B is kept for an answer. On A and C the hang holds up nobody: one bridge reaches them. */
byte hang;       /* 0, or 1 + who talked last */
byte hang_claim; /* of that talker */
byte hang_reach; /* the channels that heard it, as bits */
byte fault;

byte radio[N];
bit fear[N]; /* the user's press is an emergency */
byte down[N]; /* the message that is under way to it; a newer one overtakes it */
byte presses[N];
byte losses = LOSSES;

c_code {
/* The radios' places: home, what a press is heard on (as bits), the bridge that reaches each channel. */
static const int home[N] = {0, 0, 1, 2};
static const int wants[N] = {1 + 2, 1 + 2, 1 + 2 + 4, 2 + 4};
static const int bridge[N][C] = {{1, 1, 0}, {1, 1, 0}, {1, 1, 2}, {0, 2, 2}};
static const int prefers[N] = {1, 0, 0, 0};

static int offered; /* channels that became free and have not been offered to their line; 0 between steps */

static int bit_of(int c) { return 1 << c; }
static int claim(int p) { return 2 * now.danger[p] + prefers[p]; }
static int has_floor(int p) { return now.state[p] == Talking || now.state[p] == Revoking; }
static int may_preempt(int p, int c) { return (now.danger[p] && BROKEN != 4) || (p == 0 && c == 0); }
static void tell(int p, int message) { if (tells(p)) now.down[p] = message; }

/* Better is: class, revoked for it, aged, priority, first come. */
static int place(int p, int c) {
    return 64 * now.danger[p] + 32 * (now.front[p] && home[p] == c) + 16 * now.aged[p] +
           8 * prefers[p] + (BROKEN == 3 ? now.rank[p] : 7 - now.rank[p]);
}

static int holder(int c) {
    int p, found = NOBODY;
    for (p = 0; p < N; ++p) if (now.held[p] & bit_of(c)) found = p;
    return found;
}

/* Who stands first in the line of `c`, of those not in the mask `but`. */
static int head_of_line(int c, int but) {
    int p, best = NOBODY;
    for (p = 0; p < N; ++p)
        if ((now.line[p] & bit_of(c)) && !(but & bit_of(p)) && (best == NOBODY || place(p, c) > place(best, c))) best = p;
    return best;
}

/* Of a press that is over nothing is left but its class while it is refused. */
static void forget_press(int p) {
    int q;
    for (q = 0; q < N; ++q) if (now.rank[p] > 0 && now.rank[q] > now.rank[p]) --now.rank[q];
    now.rank[p] = 0;
    now.line[p] = now.front[p] = now.aged[p] = now.waits[p] = 0;
    now.heard[p] = now.limited[p] = 0;
}

static int hang_admits(int p, int c) {
    return now.hang == 0 || c != 1 || home[p] == c || now.danger[p] || claim(p) > now.hang_claim ||
           bridge[p][c] == bridge[now.hang - 1][c] || (now.hang_reach & bit_of(home[p]));
}

static void set_hang(int value, int claim_of_it, int reach) {
    now.hang = value;
    now.hang_claim = claim_of_it;
    now.hang_reach = reach;
}

static void let_go(int p, int c) {
    now.held[p] &= ~bit_of(c);
    if (head_of_line(c, 0) != NOBODY && BROKEN != 5) offered |= bit_of(c);
}

/* The talkspurt is over on all of its channels. */
static void finish(int p, int how) {
    int c;
    now.line[p] = 0;
    if ((now.held[p] & bit_of(1)) && now.heard[p] && how != ByForce) set_hang(1 + p, claim(p), now.held[p]);
    for (c = 0; c < C; ++c)
        if (now.held[p] & bit_of(c)) let_go(p, c);
    if (how == ByLimit && (now.presses[p] > 0 || now.radio[p] != Idle)) now.cooling[p] = 1 + now.danger[p];
    forget_press(p);
    now.state[p] = how == BySilence || tells(p) ? Silent : how == ByTalker ? Trailing : Refused;
    if (now.state[p] != Refused) now.danger[p] = 0;
}

/* What asking for `c` would come to. */
static int offer_of(int p, int c) {
    int q, talker = holder(c), first = head_of_line(c, 0);
    if (talker == NOBODY) {
        int overtakes = (offered & bit_of(c)) && first != NOBODY && first != p && place(first, c) > place(p, c);
        return !overtakes && hang_admits(p, c) ? Free : Busy;
    }
    if (!may_preempt(p, c) || claim(p) < claim(talker) || (claim(p) == claim(talker) && BROKEN != 1)) return Busy;
    if (home[p] == c && home[talker] == c && tells(p) && tells(talker) && !now.danger[p]) return AfterGrace;
    if (first != NOBODY && now.danger[first] && !now.danger[p]) return Busy;
    for (q = 0; q < N; ++q)
        if ((now.line[q] & bit_of(c)) && q != p && now.front[q] && home[q] == c && claim(q) >= claim(p)) return Busy;
    return CutIn;
}

static int all_far_offered(int p) {
    int c;
    for (c = 0; c < C; ++c)
        if ((wants[p] & bit_of(c)) && c != home[p] && offer_of(p, c) == Busy) return 0;
    return 1;
}

static int can_start(int p) {
    int own = offer_of(p, home[p]);
    return (own == Free || own == CutIn) && (!now.waits[p] || all_far_offered(p));
}

/* Who is at home on the channel loses the talkspurt, who is only heard there loses the channel. */
static void take(int p, int c) {
    int old = holder(c);
    if (old != NOBODY && BROKEN != 1) {
        if (home[old] == c) {
            tell(old, Revoked);
            finish(old, ByForce);
        } else {
            let_go(old, c);
            if (now.state[old] == Talking) now.line[old] |= bit_of(c);
        }
    }
    now.held[p] |= bit_of(c);
    now.line[p] &= ~bit_of(c);
    if (home[p] == c) now.front[p] = 0;
    if (c == 1) set_hang(0, 0, 0);
}

/* Whether `p` is to have `c` before `q`, both in its line. Written out from the rule, not by place(). */
static int comes_before(int p, int q, int c) {
    int p_front = now.front[p] && home[p] == c, q_front = now.front[q] && home[q] == c;
    if (now.danger[p] != now.danger[q]) return now.danger[p];
    if (p_front != q_front) return p_front;
    if (now.aged[p] != now.aged[q]) return now.aged[p];
    if (prefers[p] != prefers[q]) return prefers[p];
    return now.rank[p] < now.rank[q];
}

static int may_have(int p, int c) { return now.state[p] == Queued ? can_start(p) : hang_admits(p, c); }

/* Queue order kept: of those who may have the free floor, nobody comes before who gets it. */
static void check_order(int p, int c) {
    int q;
    for (q = 0; q < N; ++q)
        if (q != p && (now.line[q] & bit_of(c)) && may_have(q, c) && comes_before(q, p, c)) now.fault = OutOfOrder;
}

/* First the channels whose talkers are at home there, so that nobody leaves one only to lose its talkspurt next. */
static void grant(int p) {
    int c, pass;
    now.line[p] = 0;
    for (pass = 0; pass < 2; ++pass)
        for (c = 0; c < C; ++c) {
            int old = holder(c);
            if (!(wants[p] & bit_of(c)) || old == p || (pass == 0 && (old == NOBODY || home[old] != c))) continue;
            if (c == home[p] || offer_of(p, c) != Busy) take(p, c);
        }
    now.state[p] = Talking;
    now.waits[p] = 0;
    now.heard[p] = !tells(p); /* without floor messages the press is its first packet */
    now.line[p] = wants[p] & ~now.held[p];
    tell(p, Granted);
}

static void refuse(int p) {
    forget_press(p);
    tell(p, Denied);
    now.state[p] = tells(p) ? Silent : Refused;
    if (tells(p)) now.danger[p] = 0;
}

/* A full queue lets its last go for a higher class, and for who will stand in front. */
static int make_room(int p, int in_front) {
    int q, queued = 0, last = NOBODY;
    for (q = 0; q < N; ++q) {
        if (q == p || now.state[q] != Queued || home[q] != home[p]) continue;
        ++queued;
        if (last == NOBODY || place(q, home[q]) < place(last, home[q])) last = q;
    }
    if (queued < PLACES) return 1;
    if (now.danger[last] >= now.danger[p] && (!in_front || now.front[last])) return 0;
    refuse(last);
    return 1;
}

static void enqueue(int p) {
    now.state[p] = Queued;
    now.line[p] = now.waits[p] ? wants[p] : bit_of(home[p]);
    tell(p, InQueue);
}

static void revoke_with_grace(int p) {
    now.state[p] = Revoking;
    now.line[p] = 0;
    tell(p, Revoked);
}

static void interrupt(int p) {
    int talker = holder(home[p]);
    if (now.state[talker] == Talking) revoke_with_grace(talker);
    now.front[p] = 1;
}

static void place_press(int p) {
    switch (offer_of(p, home[p])) {
    case Busy:
        if (tells(p) && make_room(p, 0)) enqueue(p);
        else refuse(p);
        break;
    case AfterGrace:
        if (!make_room(p, 1)) { refuse(p); break; }
        interrupt(p);
        enqueue(p);
        break;
    default:
        if (now.waits[p] && !all_far_offered(p) && make_room(p, 0)) enqueue(p);
        else grant(p);
    }
}

/* Everything that became free goes to the first of its line that can have it. */
static void settle(void) {
    while (offered) {
        int c = offered & 1 ? 0 : offered & 2 ? 1 : 2, tried = 0, p;
        offered &= ~bit_of(c);
        while (holder(c) == NOBODY && (p = head_of_line(c, tried)) != NOBODY) {
            tried |= bit_of(p);
            if (!may_have(p, c)) continue;
            check_order(p, c);
            if (now.state[p] == Queued) grant(p);
            else take(p, c);
            break;
        }
    }
}

/* An emergency is granted at once, unless one holds its own channel (or, for who waits, a far one), it ran into its
 * limit as one, or it is being revoked while another waits. */
static int must_be_granted(int p, int alarm) {
    int q;
    if (!alarm || (has_floor(p) && now.danger[p]) || now.cooling[p] == 2) return 0;
    if (now.state[p] == Refused && now.danger[p] && !tells(p)) return 0;
    for (q = 0; q < N; ++q) {
        if (q == p || !now.danger[q]) continue;
        if (has_floor(q) && ((now.held[q] & bit_of(home[p])) || (p == 3 && (now.held[q] & wants[p])))) return 0;
        if (now.state[q] == Queued && now.state[p] == Revoking) return 0;
    }
    return 1;
}

/* The holder asks again: a lost Granted is told again, a higher claim counts and takes what it can. */
static void raise_claim(int p, int alarm) {
    int c, higher = alarm && !now.danger[p];
    if (higher) now.danger[p] = 1;
    tell(p, Granted);
    for (c = 0; c < C; ++c)
        if (higher && (wants[p] & bit_of(c)) && !(now.held[p] & bit_of(c)) && offer_of(p, c) != Busy) take(p, c);
}

static void new_press(int p, int alarm) {
    int q;
    if (now.state[p] == Revoking) finish(p, now.limited[p] ? ByLimit : ByForce);
    if (now.state[p] == Queued) { /* asking again keeps the place */
        now.line[p] = now.front[p] = 0;
    } else {
        forget_press(p);
        for (q = 0; q < N; ++q) if (now.rank[q] >= now.rank[p]) now.rank[p] = now.rank[q];
        ++now.rank[p];
        now.waits[p] = p == 3;
    }
    now.danger[p] = alarm;
    if (now.cooling[p] > now.danger[p]) refuse(p);
    else place_press(p);
}

static void check(void) {
    int p, q;
    for (p = 0; p < N; ++p) {
        if (has_floor(p) != !!(now.held[p] & bit_of(home[p])) || (!has_floor(p) && now.held[p])) now.fault = WrongHolder;
        if (now.held[p] & now.line[p]) now.fault = WrongHolder;
        for (q = 0; q < p; ++q) if (now.held[p] & now.held[q]) now.fault = TwoHolders;
        /* Nobody waits before a floor that it could have. */
        if (now.state[p] == Queued && can_start(p)) now.fault = IdleFloor;
    }
}

/* The steps. */
static void on_request(int p, int alarm) {
    int must = must_be_granted(p, alarm);
    if (now.state[p] == Refused && !tells(p) && alarm <= now.danger[p]) {
        /* the same press: ignored */
    } else if (now.state[p] == Talking) {
        raise_claim(p, alarm);
    } else if (now.state[p] == Revoking && alarm <= now.danger[p]) {
        tell(p, Denied);
    } else {
        new_press(p, alarm);
    }
    settle();
    if (must && now.state[p] != Talking) now.fault = EmergencyWaits;
    check();
}
static void on_release(int p) {
    if (has_floor(p)) {
        finish(p, ByTalker);
    } else if (now.state[p] != Silent) {
        now.state[p] = now.state[p] == Queued ? Silent : Trailing;
        forget_press(p);
        now.danger[p] = 0;
    }
    settle();
    check();
}
static void on_end(int p, int how) {
    finish(p, how);
    settle();
    check();
}
static void on_limit(int p) {
    now.limited[p] = 1;
    revoke_with_grace(p);
    check();
}
static void on_patience(int p) {
    now.waits[p] = 0;
    now.line[p] = 0;
    if (can_start(p)) {
        grant(p);
    } else {
        if (offer_of(p, home[p]) == AfterGrace) interrupt(p);
        now.line[p] = bit_of(home[p]);
    }
    settle();
    check();
}
static void on_hang_end(void) {
    set_hang(0, 0, 0);
    if (holder(1) == NOBODY) offered |= bit_of(1);
    settle();
    check();
}
}

#define floor_holder(p) (state[p] == Talking || state[p] == Revoking)
#define step(what) \
    c_code { what; }; \
    assert(fault != TwoHolders); \
    assert(fault != WrongHolder); \
    assert(fault != OutOfOrder); \
    assert(fault != EmergencyWaits); \
    assert(fault != IdleFloor)

proctype Radio(byte p) {
    do
    /* --- its user --- */
    :: d_step { tells(p) && radio[p] == Idle && presses[p] > 0 -> presses[p]--; radio[p] = Asking; fear[p] = 0 }
    :: d_step { tells(p) && radio[p] == Idle && presses[p] > 0 -> presses[p]--; radio[p] = Asking; fear[p] = 1 }
    :: d_step { radio[p] == Speaking && !fear[p] -> radio[p] = Asking; fear[p] = 1 }
    :: d_step { radio[p] != Idle -> radio[p] = Idle; fear[p] = 0; step(on_release(PRadio->p)) }
    :: d_step { radio[p] != Idle -> radio[p] = Idle; fear[p] = 0 } /* the release is lost, or the radio is */
    /* --- its request arrives; until it is answered it is made again, so one that is lost is one that comes later --- */
    :: d_step { radio[p] == Asking && down[p] == Nothing -> step(on_request(PRadio->p, now.fear[PRadio->p])) }
    :: d_step { radio[p] == Waiting && down[p] == Nothing && state[p] != Queued -> step(on_request(PRadio->p, now.fear[PRadio->p])) }
    /* --- the floor's message arrives, or is lost --- */
    :: d_step {
        down[p] != Nothing ->
        if
        :: down[p] == Granted && (radio[p] == Asking || radio[p] == Waiting) -> radio[p] = Speaking
        :: down[p] == InQueue && radio[p] == Asking -> radio[p] = Waiting
        :: (down[p] == Denied || down[p] == Revoked) && radio[p] != Idle -> radio[p] = Idle; fear[p] = 0
        :: else
        fi;
        down[p] = Nothing
      }
    :: d_step { down[p] != Nothing && radio[p] != Idle && losses > 0 -> losses--; down[p] = Nothing }
    /* --- its media; where it has no right to it the radio is told to stop --- */
    :: d_step { radio[p] == Speaking && floor_holder(p) && !heard[p] -> heard[p] = 1 }
    :: d_step { radio[p] == Speaking && !floor_holder(p) && down[p] == Nothing -> down[p] = Revoked }
    :: d_step { !tells(p) && presses[p] > 0 && (state[p] == Silent || state[p] == Trailing) -> presses[p]--; step(on_request(PRadio->p, 0)) }
    :: d_step { !tells(p) && presses[p] > 0 && (state[p] == Silent || state[p] == Trailing) -> presses[p]--; step(on_request(PRadio->p, 1)) }
    :: d_step { !tells(p) && state[p] != Silent && state[p] != Trailing && !danger[p] -> step(on_request(PRadio->p, 1)) }
    :: d_step { !tells(p) && floor_holder(p) -> step(on_release(PRadio->p)) }
    /* --- its timers: T1 and T132, T2, T3, end of a refused press, T9, ageing, patience --- */
    :: d_step { state[p] == Talking && !(BROKEN == 2 && !heard[p]) -> step(on_end(PRadio->p, BySilence)) }
    :: d_step { state[p] == Talking && heard[p] -> step(on_limit(PRadio->p)) }
    :: d_step { state[p] == Revoking && limited[p] -> step(on_end(PRadio->p, ByLimit)) }
    :: d_step { state[p] == Revoking && !limited[p] -> step(on_end(PRadio->p, ByForce)) }
    :: d_step { state[p] == Refused || state[p] == Trailing -> state[p] = Silent; danger[p] = 0 }
    :: d_step { cooling[p] > 0 -> cooling[p] = 0 }
    :: d_step { p == 1 && state[p] == Queued && !aged[p] -> aged[p] = 1 } /* of the others it changes nothing */
    :: d_step { state[p] == Queued && waits[p] -> step(on_patience(PRadio->p)) }
    /* --- T20 and T8: what got lost is told again --- */
    :: d_step { tells(p) && state[p] == Talking && !heard[p] && down[p] == Nothing && (radio[p] == Asking || radio[p] == Waiting) -> down[p] = Granted }
    :: d_step { state[p] == Revoking && radio[p] == Speaking && down[p] == Nothing -> down[p] = Revoked }
    od
}

proctype Hang() {
    do
    :: d_step { hang > 0 -> step(on_hang_end()) }
    od
}

/* Nothing more can happen: then everybody has been answered, and every floor is free. */
proctype Watch() {
    byte p = 0;
    timeout ->
    d_step {
        do
        :: p == N -> p = 0; break
        :: else ->
            assert(radio[p] == Idle && presses[p] == 0 && down[p] == Nothing);
            assert(state[p] == Silent && held[p] == 0 && line[p] == 0 && rank[p] == 0 && cooling[p] == 0);
            p++
        od
    }
}

init {
    byte p;
    atomic {
        for (p : 0 .. N - 1) { presses[p] = PRESSES }
        p = 0;
        run Radio(0); run Radio(1); run Radio(2); run Radio(3);
        run Hang();
        run Watch()
    }
}
