/* lifecycle.pml: the life of sandboxes and of one session, with everything that can meet in it: create (at once or
 * on first use), delete, the end of a lifetime, the main process's exit, a lost guest, a task that dies, the
 * session's close and the end of its lease, a disk that refuses, an undo that fails, and SIGKILL of the daemon
 * between any two turns of its loop.
 *
 * Each atomic block is one turn of the loop, one commit of the store's thread, or one thing that happens to the
 * world. Names follow orchestrator/core: `st` is the truth in memory, `shown` what clients see, `rec` what is
 * durable. Every kind of event is rationed, so that all runs end, and need not come at all; what must come about at last
 * is asserted where nothing is left to do (`at_last`). */

#ifndef BOXES
#define BOXES 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif

/* States of a sandbox, in order; 0 is no record. */
#define P 1
#define C 2
#define R 3
#define T 4
#define COMPLETED 5
#define FAILED 6
#define TERMINATED 7
#define is_final(state) ((state) >= COMPLETED)

/* Of the session. */
#define OPEN 1
#define CLOSING 2
#define CLOSED 3
#define S BOXES /* its place in the arrays of the store */

/* Of the main process. */
#define NONE 0
#define LIVES 1
#define EXITED 2 /* its guest has it to report */

/* What survives the daemon. */
byte rec[BOXES + 1];    /* the store */
bit cont[BOXES];        /* container, snapshot, folders */
byte main_[BOXES];
bit task[BOXES];        /* the init lives */

/* The daemon's memory. */
bit up, recovered;
byte st[BOXES + 1], shown[BOXES + 1], packed[BOXES + 1];
bit durable[BOXES + 1], dirty[BOXES + 1];
byte put[BOXES + 1];    /* 0 none, 1 with the store, 2 committed, 3 refused */
byte create[BOXES];     /* the flow: 0 none, 1 begun, 2 container made, 3 main started, 4 cancelled */
byte removal[BOXES];    /* 0 none, 1 record, 2 stop, 3 teardown */
bit adoption[BOXES];
bit member[BOXES];      /* in session->sandboxes: counted as live */
bit ending;             /* the session's intent is stored */
bit intent;             /* ... or on its way */

/* What clients were told; they forget nothing. */
byte seen[BOXES + 1];
bit answered[BOXES];
bit close_answered, delete_answered[BOXES];
bit admitted_after_close;

/* Rations. */
byte crashes = CRASHES, faults = FAULTS;
bit refused_once; /* a put: what was shown then may be taken back */

#ifdef ANSWERED_TOO_EARLY
#define stored(i) true
#else
#define stored(i) (put[i] == 0 && !dirty[i])
#endif
#define live (member[0] + member[BOXES - 1] * (BOXES - 1))
#define flows(i) (create[i] || removal[i] || adoption[i])

inline move(i, to)
{
    assert(to > st[i]);      /* only forward */
    assert(!is_final(st[i])); /* the final never changes */
    st[i] = to;
    dirty[i] = 1;
}

inline settle()
{
    if
    :: st[S] == CLOSING && live == 0 ->
        st[S] = CLOSED;
        dirty[S] = 1
    :: else
    fi
}

/* sk_sandbox_end */
inline end_box(i)
{
    if
    :: st[i] == R && main_[i] == EXITED && !adoption[i] -> /* it had ended before this was asked */
        move(i, COMPLETED);
        removal[i] = 1
    :: else ->
        if
        :: st[i] == P || st[i] == C || st[i] == R ->
            move(i, T);
            if
            :: create[i] -> create[i] = 4
            :: else ->
                if
                :: !adoption[i] && !removal[i] -> removal[i] = 1
                :: else
                fi
            fi
        :: else
        fi
    fi
}

/* sk_sandbox_break */
inline break_(i)
{
    if
    :: create[i] -> create[i] = 4
    :: !create[i] && st[i] == R ->
        move(i, FAILED);
        if
        :: !removal[i] -> removal[i] = 1
        :: else
        fi
    :: else
    fi
}

inline end_members()
{
    ending = 1;
    k = 0;
    do
    :: k < BOXES ->
        if
        :: member[k] && durable[k] -> end_box(k)
        :: else
        fi;
        k++
    :: else -> break
    od;
    settle()
}

inline close_session()
{
    st[S] = CLOSING;
    dirty[S] = 1;
    settle();
    intent = 1
}

inline uncontain(i)
{
    cont[i] = 0;
    main_[i] = NONE;
    task[i] = 0
}

/* Shown to a client: no later daemon may show less. */
inline look(i)
{
    assert(shown[i] >= seen[i] || refused_once);
    assert(!is_final(seen[i]) || i == S || shown[i] == seen[i] || refused_once);
    seen[i] = shown[i]
}

/* --- the store: one put at a time, the latest state wins ------------------- */

proctype Store(byte i)
{
    byte k;
end:
    do
    :: atomic { up && dirty[i] && put[i] == 0 ->
        packed[i] = st[i];
        dirty[i] = 0;
        put[i] = 1 }
    :: atomic { up && put[i] == 1 ->
        assert(packed[i] >= rec[i]);
        assert(i == S || !is_final(rec[i]) || packed[i] == rec[i]);
        rec[i] = packed[i];
        put[i] = 2 }
    :: atomic { up && put[i] == 1 && faults > 0 ->
        faults--;
        refused_once = 1;
        put[i] = 3 }
    :: atomic { up && put[i] >= 2 -> /* the answer, on the loop */
        if
        :: put[i] == 3 && !durable[i] -> /* it never existed */
            put[i] = 0;
            st[i] = 0;
            dirty[i] = 0;
            if
            :: i < BOXES && member[i] ->
                member[i] = 0;
                settle()
            :: else
            fi
        :: else ->
            if
            :: put[i] == 3 -> dirty[i] = 1
            :: else
            fi;
            put[i] = 0;
            shown[i] = packed[i];
            if
            :: i < BOXES && is_final(packed[i]) && member[i] ->
                member[i] = 0;
                settle()
            :: else
            fi;
            if
            :: i < BOXES && !durable[i] ->
                durable[i] = 1;
                if
#ifdef LATE_MEMBER_MISSED
                :: st[i] == C -> create[i] = 1
#else
                :: st[S] == OPEN && st[i] == C -> create[i] = 1
                :: st[S] != OPEN && ending -> end_box(i) /* sk_session_missed */
#endif
                :: else
                fi
            :: i == S ->
                durable[S] = 1;
                if
                :: intent && packed[S] >= CLOSING ->
                    intent = 0;
                    end_members()
                :: else
                fi
            :: else
            fi
        fi }
    od
}

/* --- one sandbox ----------------------------------------------------------- */

proctype Box(byte i)
{
    byte asks = 2;
    bit ends, exits, stamps;
    atomic {
        if
        :: ends = 0
        :: ends = 1
        fi;
        if
        :: exits = 0
        :: exits = 1
        fi;
        stamps = 1
    }
end:
    do
    /* The client. */
    :: atomic { up && recovered && asks > 0 && st[i] == 0 && st[S] == OPEN && durable[S] ->
        asks--;
        assert(rec[i] == 0); /* one sandbox for one request */
        admitted_after_close = admitted_after_close || close_answered;
        if
        :: st[i] = C
        :: st[i] = P
        fi;
        dirty[i] = 1;
        member[i] = 1 }
    :: atomic { up && durable[i] && !answered[i] ->
        answered[i] = 1;
        look(i) }
    :: atomic { up && durable[i] && seen[i] != shown[i] -> look(i) }
    :: atomic { up && recovered && durable[i] && st[i] == P && st[S] == OPEN -> /* its first use */
        move(i, C);
        create[i] = 1 }
    :: atomic { up && recovered && durable[i] && ends > 0 -> /* deleted, or its time is over */
        ends--;
        end_box(i) }
    :: atomic { up && durable[i] && shown[i] >= T && stored(i) && !delete_answered[i] -> delete_answered[i] = 1; look(i) }

    /* The create flow. Its first step takes away what an earlier attempt has left. */
    :: atomic { up && create[i] == 1 ->
        assert(rec[i] != 0 || refused_once); /* nothing runs without a record */
        uncontain(i);
        cont[i] = 1;
        task[i] = 1;
        create[i] = 2 }
    :: atomic { up && create[i] == 2 && task[i] ->
        main_[i] = LIVES;
        create[i] = 3 }
    :: atomic { up && create[i] == 3 ->
        create[i] = 0;
        if
        :: st[i] == C -> move(i, R)
        :: else -> removal[i] = 1
        fi }
    :: atomic { up && create[i] == 2 && !task[i] -> create[i] = 4 }
    :: atomic { up && create[i] == 4 -> /* walked back */
        create[i] = 0;
        if
        :: faults > 0 -> faults-- /* not all of it: gc's */
        :: uncontain(i)
        fi;
        if
        :: st[i] == T -> move(i, TERMINATED)
        :: else -> move(i, FAILED)
        fi }

    /* What the guest and the runtime say. */
    :: atomic { up && st[i] == R && !flows(i) && main_[i] == EXITED ->
        move(i, COMPLETED);
        removal[i] = 1 }
    :: atomic { up && recovered && !adoption[i] && cont[i] && !task[i] && (st[i] == R || create[i] == 3) ->
        break_(i) }
    :: atomic { up && adoption[i] ->
        adoption[i] = 0;
        if
        :: st[i] == T && !removal[i] -> removal[i] = 1
        :: st[i] == R && main_[i] == NONE -> break_(i) /* no guest, or one without it */
        :: else
        fi }

    /* The removal flow. */
#ifdef EFFECT_BEFORE_INTENT
    :: atomic { up && removal[i] == 1 -> removal[i] = 2 }
#else
    :: atomic { up && removal[i] == 1 && put[i] == 0 && (!dirty[i] || refused_once) -> removal[i] = 2 }
#endif
    :: atomic { up && removal[i] == 2 ->
        assert(rec[i] >= T || refused_once); /* the effect comes after the intent */
        if
        :: main_[i] == LIVES -> main_[i] = EXITED /* killed */
        :: else
        fi;
        removal[i] = 3 }
    :: atomic { up && removal[i] == 3 ->
        removal[i] = 0;
        if
        :: faults > 0 -> faults-- /* gc's */
        :: uncontain(i)
        fi;
        if
        :: st[i] == T -> move(i, TERMINATED)
        :: else
        fi }
    :: atomic { up && stamps > 0 && st[i] == T && removal[i] -> /* something resists */
        stamps--;
        move(i, TERMINATED) }

    /* Collection. */
#ifndef NO_COLLECTION
    :: atomic { up && recovered && cont[i] && durable[i] && is_final(st[i]) && !flows(i) -> uncontain(i) }
#endif

    /* The world. */
    :: atomic { main_[i] == LIVES && exits -> main_[i] = EXITED }
    :: atomic { task[i] && faults > 0 -> /* a shim is killed, a guest is lost */
        faults--;
        task[i] = 0;
        main_[i] = NONE }
    od
}

/* --- the session ----------------------------------------------------------- */

proctype Session()
{
    bit opened, closes;
    if
    :: closes = 0
    :: closes = 1
    fi;
end:
    do
    :: atomic { up && recovered && !opened && st[S] == 0 ->
        opened = 1;
        st[S] = OPEN;
        dirty[S] = 1 }
    :: atomic { up && recovered && durable[S] && st[S] == OPEN && closes -> close_session() } /* asked for, or the lease */
    :: atomic { up && durable[S] && shown[S] >= CLOSING && stored(S) && !close_answered ->
        close_answered = 1;
        look(S) }
    :: atomic { up && durable[S] && shown[S] == CLOSED && seen[S] != CLOSED -> look(S) }
    od
}

/* --- the daemon ------------------------------------------------------------ */

inline forget(i)
{
    st[i] = 0;
    shown[i] = 0;
    packed[i] = 0;
    durable[i] = 0;
    dirty[i] = 0;
    put[i] = 0
}

inline forget_box(i)
{
    create[i] = 0;
    removal[i] = 0;
    adoption[i] = 0;
    member[i] = 0
}

inline load(i)
{
    st[i] = rec[i];
    shown[i] = rec[i];
    durable[i] = (rec[i] != 0)
}

/* recover.c: take_up */
inline take_up(i)
{
    if
    :: st[i] == C -> create[i] = 1
    :: (st[i] == R || st[i] == T) && task[i] -> adoption[i] = 1
    :: st[i] == R && !task[i] ->
        move(i, FAILED);
        removal[i] = 1
    :: st[i] == T && !task[i] -> removal[i] = 1
    :: else /* P waits on, the leftovers of the final are gc's */
    fi
}

proctype Daemon()
{
    byte k, j;
    up = 1;
    recovered = 1;
end:
    do
    :: atomic { up && crashes > 0 ->
        crashes--;
        up = 0;
        recovered = 0;
        ending = 0;
        intent = 0;
        j = 0;
        do
        :: j < BOXES -> forget(j); forget_box(j); j++
        :: else -> break
        od;
        forget(S) }
    :: atomic { !up ->
        load(S);
        j = 0;
        do
        :: j < BOXES ->
            load(j);
            member[j] = (st[j] != 0 && !is_final(st[j]));
            j++
        :: else -> break
        od;
        up = 1 }
    :: atomic { up && !recovered -> /* containerd has answered */
        j = 0;
        do
        :: j < BOXES -> take_up(j); j++
        :: else -> break
        od;
#ifndef CLOSING_FORGOTTEN
        if
        :: st[S] >= CLOSING -> end_members()
        :: else
        fi;
#endif
        recovered = 1 }
    od
}

/* --- what must hold -------------------------------------------------------- */

#define never_unrecorded(i) (!cont[i] || rec[i] != 0 || refused_once)
#define closed_is_empty(i)  (rec[S] != CLOSED || rec[i] == 0 || is_final(rec[i]) || refused_once)

#define settled(i) (rec[i] == 0 || rec[i] == P || rec[i] == R || is_final(rec[i]))
#define clean(i)   (!cont[i] || rec[i] == R)
#define whole(i)   (rec[i] != R || (cont[i] && task[i] && main_[i] == LIVES))
#define told(i)    ((!delete_answered[i] || is_final(rec[i])) && (!answered[i] || rec[i] != 0))
#define collected(i) (rec[S] < CLOSING || rec[i] == 0 || is_final(rec[i]))
#define same(i)    (rec[i] == st[i] && rec[i] == shown[i])
#define at_last(i) (settled(i) && clean(i) && whole(i) && told(i) && collected(i) && same(i))

proctype Watch()
{
end:
    do
    :: atomic { !never_unrecorded(0) || !never_unrecorded(BOXES - 1) -> assert(false) }
    :: atomic { !closed_is_empty(0) || !closed_is_empty(BOXES - 1) -> assert(false) }
    :: atomic { admitted_after_close -> assert(false) }
    :: timeout -> break
    od;
    assert(up && recovered);
    assert(at_last(0));
    assert(at_last(BOXES - 1));
    assert(rec[S] != CLOSING)
}

init
{
    byte i;
    atomic {
        for (i : 0 .. BOXES - 1) {
            run Store(i);
            run Box(i)
        }
        run Store(S);
        run Session();
        run Daemon();
        run Watch()
    }
}
